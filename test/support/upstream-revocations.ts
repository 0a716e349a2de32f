import type { ProviderConfiguration } from "../../src/provider/configuration/configuration.ts";
import { UpstreamRevocations } from "../../src/provider/grants/upstream-revocations.ts";

/** The revocations of a server of one instance, whose keys nobody else announces. */
export function upstreamRevocationsOf(configuration: ProviderConfiguration): UpstreamRevocations {
  return new UpstreamRevocations({ ...configuration, announcements: { holderOf: async () => "nobody" } });
}
