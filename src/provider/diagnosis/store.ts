import { randomBytes } from "node:crypto";
import { StorageError } from "../../errors.ts";
import { isLoopbackHost } from "../../option-checks.ts";
import { kindsKeptInMemory } from "../../records/kept-in-memory.ts";
import { recordKey } from "../../records/keys.ts";
import { recordKinds } from "../../records/repositories.ts";
import { type Finding, isDiagnosable } from "../../storage/finding.ts";
import { isNetworkCode } from "../../storage/network-code.ts";
import { codesOf, describeFailure } from "../reporting/failure-description.ts";
import type { Examined } from "./diagnose.ts";

/** How long the marked record would stay if it were left behind, in seconds. */
const markLifetimeSeconds = 60;

/** Looks whether the store writes, reads and deletes, and what it says of itself. */
export async function checkStore(provider: Examined): Promise<Finding[]> {
  const failed = await whatFails(provider);
  if (failed !== undefined) return [failed, ...(await ownErrors(provider))];
  const what = "The store writes, reads, adds, takes and deletes, and every kind of record can be read.";
  return [{ check: "store", status: "ok", what }, ...inMemory(provider), ...(await ownWords(provider))];
}

/** Writes a marked record and follows it to its end; reads what is not there of every other kind. */
async function whatFails({ repositories, issuer, now }: Examined): Promise<Finding | undefined> {
  const mark = randomBytes(9).toString("base64url");
  const key = recordKey("key_announcement", issuer, `check ${mark}`);
  const record = { keyId: mark, expiresAt: Math.ceil(now()) + markLifetimeSeconds };
  const { keyAnnouncements: marks } = repositories;
  let step = "writes a record";
  const expect = (isRight: boolean, what: string): void => {
    if (!isRight) throw new UnfitStore(what);
  };
  try {
    await marks.set(key, record);
    step = "reads a record";
    expect((await marks.get(key))?.keyId === mark, "A record that was written is not read back.");
    step = "adds a record";
    expect(!(await marks.add(key, record)), "A record was added where there is one already.");
    step = "takes a record";
    expect((await marks.take(key))?.keyId === mark, "A record that is there was not taken.");
    expect((await marks.get(key)) === undefined, "A record that was taken is still read.");
    step = "deletes a record";
    await marks.set(key, record);
    expect(await marks.delete(key), "A record that is there was not deleted.");
    expect((await marks.get(key)) === undefined, "A record that was deleted is still read.");
    for (const [kind, repository] of Object.entries(repositories)) {
      if (typeof repository !== "object" || repository === null || !("get" in repository)) continue;
      step = `reads ${kind}`;
      await repository.get(key);
    }
    return undefined;
  } catch (failure) {
    return storeFinding(step, failure);
  }
}

/** What a store does that no store may do. */
class UnfitStore {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

function storeFinding(step: string, failure: unknown): Finding {
  const check = "store";
  if (failure instanceof UnfitStore) {
    const why = "Codes and refresh tokens would be used twice, or logins lost.";
    const remedy = "Let the suite of pangea-authn-fastmcp/conformance look at the backend.";
    return { check, status: "error", what: failure.what, why, remedy };
  }
  const description = describeFailure(failure);
  const { message } = description;
  const details = codesOf(description);
  return {
    check,
    status: "error",
    what: `The store fails where it ${step}: ${message}${details.length > 0 ? ` (${details.join(", ")})` : ""}`,
    why: "Nobody can log in, and requests with a token are answered with 503.",
    remedy:
      failure instanceof StorageError
        ? remedyOf(failure.code, details)
        : "Look at the backend: it threw something else than a StorageError.",
  };
}

/** What is said of any store. What is special of one, such as a full disk or a role of Postgres, its message says. */
function remedyOf(code: string, codes: readonly string[]): string {
  if (code === "ERR_STORAGE_UNAVAILABLE" && codes.some(isNetworkCode)) return unreached;
  return remedies[code] ?? "Do what the message says.";
}

const unreached = "See that the store runs, and that this machine reaches it: its address, port and firewall.";

const remedies: Readonly<Record<string, string>> = {
  ERR_STORAGE_TIMEOUT: "See that this machine reaches the store, and that the store is not overloaded.",
  ERR_STORAGE_RATE_LIMITED: "Wait, or ask for a higher limit.",
  ERR_STORAGE_UNAUTHORIZED: "Check what the store is opened with, as the message says, and what that is allowed to do.",
};

/** What is in this process's memory is gone with it, and no other instance sees it. */
function inMemory({ repositories, baseUrl }: Examined): Finding[] {
  const kinds = kindsKeptInMemory(repositories);
  if (kinds.length === 0) return [];
  const check = "store-in-memory";
  const isAll = kinds.length === recordKinds.length;
  const what = `State is in this process's memory${isAll ? "" : `: ${kinds.join(", ")}`}.`;
  if (isLoopbackHost(new URL(baseUrl).hostname)) return [{ check, status: "ok", what }];
  return [
    {
      check,
      status: "warning",
      what,
      why: "A restart ends every login, and a second instance knows none of them.",
      remedy: "Give repositories, such as createRedisRepositories(…) or createVaultRepositories(…).",
    },
  ];
}

/** What a store that fails finds wrong with its own settings; nothing where it does not answer. */
async function ownErrors(provider: Examined): Promise<Finding[]> {
  const findings = await ownWords(provider).catch((): Finding[] => []);
  return findings.filter(({ check, status }) => status === "error" && check === "store-database");
}

/** What the store says of its own settings and its clock; each check once, however many repositories share the store. */
async function ownWords({ repositories }: Examined): Promise<Finding[]> {
  const told = new Map<string, Finding>();
  for (const repository of Object.values(repositories)) {
    if (typeof repository !== "object" || repository === null || !isDiagnosable(repository)) continue;
    for (const finding of await repository.diagnose()) {
      const known = told.get(finding.check);
      if (known === undefined || known.status === "ok") told.set(finding.check, finding);
    }
  }
  return [...told.values()];
}
