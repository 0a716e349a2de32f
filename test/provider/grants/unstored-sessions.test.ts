import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, McpOAuthProvider, type ProviderRepositories } from "../../../src/index.ts";
import { upstreamSessionKey } from "../../../src/records/keys.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { failingOnce } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, type IssuedTokens, pkce } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";

const baseUrl = "https://mcp.example";
let clock: ManualClock;
let upstream: FakeUpstream;
let repositories: ProviderRepositories;
beforeEach(() => {
  clock = new ManualClock();
  upstream = new FakeUpstream(clock.read);
  repositories = createInMemoryRepositories({ clock: clock.read });
});

const ended = () => upstream.revoked.map(({ token }) => token);

type Harness = ClientHarness<McpOAuthProvider>;
const start = (changes: Partial<ProviderRepositories> = {}): Harness =>
  new ClientHarness(
    new McpOAuthProvider({
      baseUrl,
      scopes: ["user"],
      upstream,
      secret: "a secret of this test, which is long enough",
      repositories: { ...repositories, ...changes },
      clock: clock.read,
      accessTokenLifetimeSeconds: 24 * 3600,
    }),
    baseUrl,
  );

async function logIn(harness: Harness): Promise<IssuedTokens & { grantId: string; upstreamToken: string }> {
  const { client_id: clientId } = await harness.register();
  const { verifier, challenge } = pkce();
  const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  const answer = await harness.finishLogin(logInAtFakeUpstream(location, "ada"), cookie);
  const issued = { clientId, verifier, code: answer.searchParams.get("code") ?? "" };
  const tokens = { ...issued, ...(await jsonOf(await harness.redeem(issued))) };
  const { grantId } = (await harness.provider.verifyAccessToken(tokens.access_token)).extra;
  const { token } = await harness.provider.upstreamToken({ token: tokens.access_token });
  return { ...tokens, grantId: String(grantId), upstreamToken: token };
}

/** Any request, and what it sets about. */
async function request(harness: Harness): Promise<void> {
  await harness.get("/.well-known/oauth-authorization-server");
  await harness.provider[Symbol.asyncDispose]();
}

describe("a session that was refreshed, and that the store did not take", () => {
  async function refreshedUnstored() {
    const flaky = failingOnce(repositories.upstreamSessions);
    const harness = start({ upstreamSessions: flaky.repository });
    const tokens = await logIn(harness);
    clock.advanceSeconds(3600);
    flaky.failNext("set", "before");
    const renewed = await harness.provider.upstreamToken({ token: tokens.access_token });
    expect(renewed.token).not.toBe(tokens.upstreamToken);
    expect(await recordsOf(repositories.upstreamSessions)).toEqual([]);
    return { flaky, harness, tokens, renewed };
  }
  const tokenAt = async (harness: Harness, { access_token: token }: IssuedTokens) =>
    (await harness.provider.upstreamToken({ token })).token;

  it("is good all the same, and is stored by the next request for it", async () => {
    const { harness, tokens, renewed } = await refreshedUnstored();
    expect(await tokenAt(harness, tokens)).toBe(renewed.token);
    expect(await recordsOf(repositories.upstreamSessions)).toHaveLength(1);
    expect(await tokenAt(start(), tokens), "another instance").toBe(renewed.token);
  });

  it("is stored by any request, and tried again five seconds after a failure", async () => {
    const { flaky, harness, tokens, renewed } = await refreshedUnstored();
    flaky.failNext("set", "before");
    await request(harness);
    expect(flaky.isPending()).toBe(false);
    clock.advanceSeconds(4);
    await request(harness);
    expect(await recordsOf(repositories.upstreamSessions)).toEqual([]);
    clock.advanceSeconds(1);
    await request(harness);
    expect(await tokenAt(start(), tokens)).toBe(renewed.token);
  });

  it("is forgotten where somebody else has gone on with the login since", async () => {
    const { harness, tokens } = await refreshedUnstored();
    const theirs = { sealed: "of somebody else", expiresAt: clock.seconds(3600) };
    await repositories.upstreamSessions.set(upstreamSessionKey(tokens.grantId), theirs);
    for (let times = 0; times < 2; times += 1) {
      await request(harness);
      expect(await repositories.upstreamSessions.get(upstreamSessionKey(tokens.grantId))).toEqual(theirs);
    }
  });

  it.each(["its user's next request", "any request"])(
    "is ended by %s where the login was ended meanwhile",
    async (by) => {
      const { harness, tokens, renewed } = await refreshedUnstored();
      expect(await start().provider.revokeGrant(tokens.grantId)).toBe(true);
      expect(ended()).toEqual([]);
      if (by === "any request") await request(harness);
      else await expect(tokenAt(harness, tokens)).rejects.toMatchObject({ error: "invalid_token" });
      expect(ended()).toEqual([renewed.token]);
    },
  );
});
