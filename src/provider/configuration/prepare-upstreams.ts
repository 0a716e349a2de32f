import type { ProviderConfiguration } from "./configuration.ts";

/** Loads what the upstreams need, and tells the operator of what is missing as the server starts, not at the first login. */
export function prepareUpstreams({ reporter, upstreams }: Pick<ProviderConfiguration, "reporter" | "upstreams">): void {
  for (const { prepare } of upstreams.all) prepare?.().catch((failure: unknown) => void reporter.failure(failure));
}
