import { createInMemoryRepositories, type McpOAuthProviderOptions } from "../../src/index.ts";
import { FakeUpstream, logInAtFakeUpstream } from "./fake-upstream.ts";
import { type FakeUpstreamServer, startServer } from "./fake-upstream-server.ts";
import { jsonOf } from "./json-of.ts";
import { ManualClock } from "./manual-clock.ts";
import { pkce } from "./provider-harness.ts";

/** A server with the upstreams `red` and `blue`, on one store, whose providers a test starts as it likes. */
export function twoUpstreams(options: Partial<McpOAuthProviderOptions> = {}) {
  const clock = new ManualClock();
  const red = new FakeUpstream(clock.read, "red");
  const blue = new FakeUpstream(clock.read, "blue");
  const repositories = createInMemoryRepositories({ clock: clock.read });
  /** Starts a server on the store. */
  const start = (changes: Partial<McpOAuthProviderOptions> = { upstreams: [red, blue] }) =>
    startServer({ repositories, clock: clock.read, logger: false, ...options, ...changes });
  return { clock, red, blue, repositories, start };
}

/** Logs a user in at an upstream, from the consent page to the tokens. */
export async function logInAt(
  harness: FakeUpstreamServer,
  { id, user = "ada", clientId }: { readonly id: string; readonly user?: string; readonly clientId?: string },
) {
  const client = clientId ?? (await harness.register()).client_id;
  const { verifier, challenge } = pkce();
  const begun = await harness.beginLogin({ client_id: client, code_challenge: challenge }, `allow:${id}`);
  const { location, cookie } = await harness.followCallback(logInAtFakeUpstream(begun.location, user), begun.cookie);
  const issued = { clientId: client, verifier, code: location.searchParams.get("code") ?? location.search };
  return { ...issued, cookie, ...(await jsonOf(await harness.redeem(issued))) };
}
