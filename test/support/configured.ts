import { configure, type ProviderConfiguration } from "../../src/provider/configuration/configuration.ts";
import type { McpOAuthProviderOptions } from "../../src/provider/configuration/options.ts";
import { FakeUpstream } from "./fake-upstream.ts";
import { ManualClock } from "./manual-clock.ts";

/** The configuration of a provider, for a part that is tested without the others. */
export function configured(
  options: Partial<McpOAuthProviderOptions> = {},
  clock = new ManualClock(),
): ProviderConfiguration {
  return configure(
    {
      baseUrl: "https://mcp.example",
      scopes: ["user", "admin"],
      secret: "a secret of this test, which is long enough",
      upstream: new FakeUpstream(clock.read),
      clock: clock.read,
      logger: false,
      ...options,
    },
    {},
  );
}
