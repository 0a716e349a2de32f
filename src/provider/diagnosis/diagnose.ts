import type { Finding } from "../../storage/finding.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { codesOf, describeFailure } from "../reporting/failure-description.ts";
import type { Upstream } from "../upstream/contract.ts";
import { checkPublicUrl } from "./public-url.ts";
import { checkRemovedUpstreams } from "./removed-upstreams.ts";
import { checkSecrets } from "./secrets.ts";
import { checkStore } from "./store.ts";

/** How a provider fares. */
export interface ProviderCheck {
  /** The worst of the findings. */
  readonly status: Finding["status"];
  readonly findings: readonly Finding[];
}

/** What the checks need. */
export type Examined = Pick<
  ProviderConfiguration,
  "baseUrl" | "clock" | "issuer" | "keys" | "now" | "repositories" | "resource" | "upstreams"
>;

/** Looks at a provider's configuration, its upstream and its store. Never rejects: what fails is a finding. */
export async function diagnose(provider: Examined): Promise<ProviderCheck> {
  const groups = await Promise.all([
    ...provider.upstreams.all.map((upstream) => checkUpstream(provider, upstream)),
    storeAndSecrets(provider),
    guarded("public-url", checkPublicUrl(provider)),
  ]);
  const findings = groups.flat();
  return { findings, status: worst(findings) };
}

/** The secrets of other instances are read from the store: one that fails is told of once. */
async function storeAndSecrets(provider: Examined): Promise<Finding[]> {
  const store = await guarded("store", checkStore(provider));
  if (store.some(({ check, status }) => check === "store" && status === "error")) return store;
  const others = [
    guarded("secrets", checkSecrets(provider)),
    guarded("unknown-upstream", checkRemovedUpstreams(provider)),
  ];
  return [...store, ...(await Promise.all(others)).flat()];
}

async function checkUpstream({ upstreams }: Examined, upstream: Upstream): Promise<Finding[]> {
  const callbackUrl = upstreams.callbackUrl(upstream);
  const missing = await whatIsMissing(upstream);
  if (missing !== undefined) return [missing];
  if (upstream.diagnose !== undefined) return guarded("upstream-issuer", upstream.diagnose(callbackUrl));
  const what = `Register exactly this redirect URI at ${upstream.name}: ${callbackUrl}`;
  return [{ check: "redirect-uri", status: "ok", what }];
}

/** Without a package that the upstream needs there is nothing else to look at. */
async function whatIsMissing({ name, prepare }: Upstream): Promise<Finding | undefined> {
  try {
    await prepare?.();
    return undefined;
  } catch (failure) {
    const { message } = describeFailure(failure);
    const why = `Nobody can log in at ${name}.`;
    return { check: "upstream-package", status: "error", what: message, why, remedy: "Run what the message says." };
  }
}

async function guarded(check: string, findings: Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await findings;
  } catch (failure) {
    const description = describeFailure(failure);
    const { code, message } = description;
    const details = codesOf(description).join(", ") || code;
    const why = "What could not be looked at may be wrong.";
    return [{ check, status: "error", what: `${message} (${details})`, why, remedy: "Mend what the message names." }];
  }
}

function worst(findings: readonly Finding[]): Finding["status"] {
  const has = (status: Finding["status"]) => findings.some((finding) => finding.status === status);
  return has("error") ? "error" : has("warning") ? "warning" : "ok";
}
