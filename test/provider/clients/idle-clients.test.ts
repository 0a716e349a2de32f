import { expect, it } from "vitest";
import { createInMemoryRepositories, McpOAuthProvider } from "../../../src/index.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, pkce } from "../../support/provider-harness.ts";

const day = 24 * 60 * 60;

/** What a registered client is answered that comes back with its refresh token after some days of rest. */
it.each([
  [100, {}, [200, undefined]],
  [179, {}, [200, undefined]],
  [181, {}, [400, "invalid_grant"]],
  [80, { unusedLifetimeSeconds: 70 * day }, [401, "invalid_client"]],
] as const)("a client that rests for %i days with %j is answered %j", async (days, clientRegistration, expected) => {
  const clock = new ManualClock();
  const baseUrl = "https://mcp.example";
  const provider = new McpOAuthProvider({
    secret: "a secret of this test, which is long enough",
    scopes: ["user"],
    baseUrl,
    upstream: new FakeUpstream(clock.read),
    clock: clock.read,
    repositories: createInMemoryRepositories({ clock: clock.read }),
    logger: false,
    grantLifetimeSeconds: 365 * day,
    refreshTokenLifetimeSeconds: 180 * day,
    clientRegistration,
  });
  const harness = new ClientHarness(provider, baseUrl);
  const { client_id: clientId } = await harness.register();
  const { verifier, challenge } = pkce();
  const begun = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  const { location } = await harness.followCallback(logInAtFakeUpstream(begun.location, "ada"), begun.cookie);
  const code = location.searchParams.get("code") ?? "";
  const first = await jsonOf(await harness.redeem({ clientId, code, verifier }));
  // The registration's end is not written again so soon.
  clock.advanceSeconds(1.9 * day);
  const second = await jsonOf(await harness.refresh({ clientId, refresh_token: String(first.refresh_token) }));
  clock.advanceSeconds(days * day);
  const answer = await harness.refresh({ clientId, refresh_token: String(second.refresh_token) });
  expect([answer.status, (await jsonOf(answer)).error]).toEqual(expected);
});
