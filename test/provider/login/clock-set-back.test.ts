import { beforeEach, describe, expect, it } from "vitest";
import { McpOAuthProvider } from "../../../src/index.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, joinCookies, pkce } from "../../support/provider-harness.ts";

let clock: ManualClock;
let harness: ClientHarness<McpOAuthProvider>;
beforeEach(() => {
  clock = new ManualClock();
  const baseUrl = "https://mcp.example";
  const options = { secret: "a secret of this test, which is long enough", scopes: ["user"], logger: false as const };
  const upstream = new FakeUpstream(clock.read);
  harness = new ClientHarness(new McpOAuthProvider({ ...options, baseUrl, upstream, clock: clock.read }), baseUrl);
});

/** A person who has allowed a client, and whose browser remembers that. */
async function allowedOnce() {
  const { client_id: clientId } = await harness.register();
  const { verifier, challenge } = pkce();
  const asked = { client_id: clientId, code_challenge: challenge };
  const begun = await harness.beginLogin(asked);
  const { location, cookie } = await harness.followCallback(logInAtFakeUpstream(begun.location, "ada"), begun.cookie);
  const code = location.searchParams.get("code") ?? "";
  const tokens = await jsonOf(await harness.redeem({ clientId, code, verifier }));
  return { asked, clientId, cookie, token: String(tokens.refresh_token) };
}

/** Comes back from the upstream: with a code, or to the page that asks. */
async function comeBack(begun: Response, cookie: string) {
  const headers = { cookie: joinCookies(cookie, begun) };
  const callback = logInAtFakeUpstream(new URL(begun.headers.get("location") ?? ""), "ada");
  const answer = await harness.provider.fetch(new Request(callback, { headers }));
  const sealed = /name="request" value="([^"]+)"/.exec(await answer.clone().text())?.[1] ?? "";
  const isLetIn = answer.headers.get("location")?.includes("code=") === true;
  return { isLetIn, sealed, cookie: joinCookies(headers.cookie, answer) };
}

type Allowed = Awaited<ReturnType<typeof allowedOnce>>;
const ends: [string, (allowed: Allowed) => Promise<unknown>][] = [
  ["all of a person's grants", () => harness.provider.revokeGrants({ subject: "ada" })],
  ["a person's grants for a client", ({ clientId }) => harness.provider.revokeGrants({ subject: "ada", clientId })],
  ["a grant by its token", ({ clientId, token }) => harness.postForm("/revoke", { client_id: clientId, token })],
];

/** By how many seconds the clock is set, and how many went by between the answer and the revocation. */
describe.each([
  [0, 3],
  [-5, 3],
  [-60, 30],
  [-110, 100],
  [-119, 0],
])("with a clock that is set by %i s, %i s after the answer", (step, between) => {
  describe.each(ends)("the end of %s", (_, end) => {
    it("ends what the browser remembers, and the next answer counts", async () => {
      const allowed = await allowedOnce();
      clock.advanceSeconds(between + step);
      await end(allowed);
      clock.advanceSeconds(5);
      const { asked, cookie } = allowed;
      const first = await comeBack(await harness.get(harness.authorizePath(asked), { cookie }), cookie);
      expect(first.isLetIn).toBe(false);
      const second = await comeBack(await harness.decide(first, "allow"), first.cookie);
      expect(second.isLetIn).toBe(true);
    });

    it("ends what was answered before, and comes back after it", async () => {
      const allowed = await allowedOnce();
      const page = await harness.openConsentPage({ ...allowed.asked, prompt: "consent" }, allowed.cookie);
      const pending = await harness.decide(page, "allow");
      clock.advanceSeconds(between + step);
      await end(allowed);
      clock.advanceSeconds(5);
      expect((await comeBack(pending, page.cookie)).isLetIn).toBe(false);
    });
  });
});
