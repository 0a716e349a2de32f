import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  createInMemoryRepositories,
  isEnumerable,
  McpOAuthProvider,
  type McpOAuthProviderOptions,
  type ProviderRepositories,
  StorageUnavailableError,
  UpstreamUnavailableError,
} from "../../../src/index.ts";
import { accessTokenKey } from "../../../src/records/keys.ts";
import { withResolvers } from "../../../src/storage/with-resolvers.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { gated } from "../../support/gated-repository.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { ClientHarness, type IssuedTokens, joinCookies, pkce } from "../../support/provider-harness.ts";

const baseUrl = "https://mcp.example";
const day = 24 * 3600;
type Harness = ClientHarness<McpOAuthProvider>;

let clock: ManualClock;
let repositories: ProviderRepositories;
let upstream: FakeUpstream;
beforeEach(() => {
  clock = new ManualClock();
  repositories = createInMemoryRepositories({ clock: clock.read });
  upstream = new FakeUpstream(clock.read);
});

/** One instance of the server. */
function instance(changes: Partial<McpOAuthProviderOptions> = {}): Harness {
  const options = { secret: "a secret of this test, which is long enough", scopes: ["user"], baseUrl, upstream };
  const settings = { ...options, clock: clock.read, repositories, accessTokenLifetimeSeconds: day, ...changes };
  return new ClientHarness(new McpOAuthProvider(settings), String(settings.baseUrl));
}

async function logIn(harness: Harness, metadata = {}): Promise<IssuedTokens & { readonly cookie: string }> {
  const { client_id: clientId } = await harness.register(metadata);
  const { verifier, challenge } = pkce();
  const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  const back = await harness.followCallback(logInAtFakeUpstream(location, "ada"), cookie);
  const issued = { clientId, verifier, code: back.location.searchParams.get("code") ?? "" };
  return { ...issued, ...(await jsonOf(await harness.redeem(issued))), cookie: back.cookie };
}

async function grantIdOf(harness: Harness, token: string): Promise<string> {
  return String((await harness.provider.verifyAccessToken(token)).extra.grantId);
}

const upstreamTokenOf = (harness: Harness, token: string): Promise<string> =>
  harness.provider.upstreamToken({ token }).then(
    (session) => session.token,
    (failure) => failure.error ?? failure.code,
  );
const ended = () => upstream.revoked.map(({ token }) => token);

describe("a revocation that meets a login on its way back", () => {
  it("is seen by the login: the person is asked", async () => {
    const codes = gated(repositories.authorizationCodes);
    const [slow, operator] = [instance({ repositories: { ...repositories, authorizationCodes: codes } }), instance()];
    const { clientId } = await logIn(operator);
    const begun = await slow.beginLogin({ client_id: clientId, code_challenge: pkce().challenge });
    const callback = logInAtFakeUpstream(begun.location, "ada");
    const gate = codes.hold("set");
    const answer = slow.get(callback.pathname + callback.search, { cookie: begun.cookie });
    await gate.arrival();
    clock.advanceSeconds(1);
    expect(await operator.provider.revokeGrants({ subject: "ada" })).toBe(1);
    await gate.answer();
    const page = await answer;
    expect([page.status, page.headers.get("location")]).toEqual([200, null]);
    expect(await page.text()).toContain('name="decision"');
  });
});

/** An operator revokes a grant while an instance has its refreshed session and waits for the store to take it. */
async function revokedDuringRefresh(slow: Harness, upstreamSessions: ReturnType<typeof gated>) {
  const other = instance();
  const tokens = await logIn(other);
  const grantId = await grantIdOf(other, tokens.access_token);
  clock.advanceSeconds(3600);
  const gate = upstreamSessions.hold("set");
  const opening = upstreamTokenOf(slow, tokens.access_token);
  await gate.arrival();
  await other.provider.revokeGrant(grantId);
  return { other, tokens, gate, opening };
}

describe("a session upstream that an operator's revocation could not open", () => {
  it("is ended by the request that waits for the lock of its refresh", async () => {
    const locks = gated(repositories.locks);
    const harness = instance({ repositories: { ...repositories, locks } });
    const { access_token: token } = await logIn(harness, { grant_types: ["authorization_code"] });
    const grantId = await grantIdOf(harness, token);
    clock.advanceSeconds(3600);
    const gate = locks.hold("add");
    const opening = upstreamTokenOf(harness, token);
    await gate.arrival();
    await harness.provider.revokeGrant(grantId);
    await gate.answer();
    expect(await opening).toBe("invalid_token");
    expect(ended()).toEqual(["ada-1"]);
  });

  it("is ended by the access token that its client revokes", async () => {
    const harness = instance();
    const { clientId, access_token: token } = await logIn(harness, { grant_types: ["authorization_code"] });
    await harness.provider.revokeGrant(await grantIdOf(harness, token));
    expect((await harness.postForm("/revoke", { client_id: clientId, token })).status).toBe(200);
    expect(ended()).toEqual(["ada-1"]);
  });

  it("is left to others where the record of that access token does not open, of which the operator is told", async () => {
    const harness = instance();
    const { clientId, access_token: token } = await logIn(harness, { grant_types: ["authorization_code"] });
    const key = accessTokenKey(token);
    const record = (await repositories.accessTokens.get(key)) ?? expect.unreachable();
    await repositories.accessTokens.set(key, { ...record, wrappedKey: "of somebody's making" });
    await harness.provider.revokeGrant(record.grantId ?? "");
    const told = heard("outage");
    expect((await harness.postForm("/revoke", { client_id: clientId, token })).status).toBe(200);
    expect(told.stop()).toMatchObject([{ code: "ERR_UNSEALABLE" }]);
    expect(ended()).toEqual([]);
    expect(await repositories.accessTokens.get(key)).toMatchObject({ revokedAt: clock.seconds(), scopes: [] });
  });

  it("is ended where it was refreshed meanwhile, and the look at the grant failed", async () => {
    const upstreamSessions = gated(repositories.upstreamSessions);
    const outage = { isNow: false };
    const grants = intercepted(repositories.grants, async (run, { method }) => {
      if (method === "get" && outage.isNow) throw new StorageUnavailableError("The test refuses.");
      return run();
    });
    const slow = instance({ repositories: { ...repositories, upstreamSessions, grants } });
    const { other, tokens, gate, opening } = await revokedDuringRefresh(slow, upstreamSessions);
    await other.refresh(tokens);
    expect(ended()).toEqual(["ada-1"]);
    outage.isNow = true;
    await gate.answer();
    expect(await opening).toBe("ERR_STORAGE_UNAVAILABLE");
    outage.isNow = false;
    clock.advanceSeconds(60);
    await slow.mcpStatus(tokens.access_token);
    await slow.provider[Symbol.asyncDispose]();
    expect(ended()).toEqual(["ada-1", "ada-2"]);
  });

  it("is kept beside the one that it was refreshed to, where the upstream can be told of neither", async () => {
    const upstreamSessions = gated(repositories.upstreamSessions);
    const slow = instance({ repositories: { ...repositories, upstreamSessions } });
    const { other, tokens, gate, opening } = await revokedDuringRefresh(slow, upstreamSessions);
    const outage = vi.spyOn(upstream, "revoke").mockRejectedValue(new UpstreamUnavailableError("The test refuses."));
    await other.refresh(tokens);
    await gate.answer();
    expect(await opening).toBe("invalid_token");
    outage.mockRestore();
    expect(await other.provider.retryUpstreamRevocations()).toBe(2);
    expect(ended().sort()).toEqual(["ada-1", "ada-2"]);
  });
});

describe("a consent that was revoked", () => {
  it("stays so though the server remembers for longer afterwards", async () => {
    const [long, short] = [90 * day, 60].map((rememberSeconds) => () => instance({ consent: { rememberSeconds } }));
    if (long === undefined || short === undefined) throw new RangeError("There are two.");
    const tokens = await logIn(long());
    await short().postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token });
    clock.advanceSeconds(2 * day);
    const again = long();
    const path = again.authorizePath({ client_id: tokens.clientId, code_challenge: pkce().challenge });
    const begun = await again.get(path, { cookie: tokens.cookie });
    const callback = logInAtFakeUpstream(new URL(begun.headers.get("location") ?? ""), "ada");
    const cookie = joinCookies(tokens.cookie, begun);
    const page = await again.get(callback.pathname + callback.search, { cookie });
    expect([page.status, page.headers.get("location")]).toEqual([200, null]);
  });
});

describe("another server on the same store", () => {
  it.each([
    ["of another issuer", { baseUrl: "https://payroll.example" }],
    ["of another path", { path: "/other" }],
  ])("%s neither revokes, refreshes, redeems nor opens what this one issued", async (_, changes) => {
    const [own, other] = [instance(), instance(changes)];
    const tokens = await logIn(own);
    const { clientId, access_token, refresh_token } = tokens;
    const grantId = await grantIdOf(own, access_token);
    for (const token of [access_token, refresh_token]) {
      await other.postForm("/revoke", { client_id: clientId, token });
    }
    expect(await other.provider.revokeGrant(grantId)).toBe(false);
    expect((await jsonOf(await other.refresh(tokens))).error).toBe("invalid_grant");
    expect((await jsonOf(await other.redeem(tokens))).error).toBe("invalid_grant");
    expect(await upstreamTokenOf(other, access_token)).toBe("invalid_token");
    expect(await own.mcpStatus(access_token)).toBe(200);
    expect((await own.refresh(tokens)).status).toBe(200);
    if (!isEnumerable(repositories.grants)) throw new TypeError("The grants cannot be listed.");
    expect(await own.provider.revokeGrants({})).toBe(1);
  });
});

it("a grant ends by the lifetime of grants as it is set now", async () => {
  const tokens = await logIn(instance({ grantLifetimeSeconds: 90 * day }));
  clock.advanceSeconds(10 * day);
  const shorter = instance({ grantLifetimeSeconds: 5 * day });
  expect((await jsonOf(await shorter.refresh(tokens))).error).toBe("invalid_grant");
});

it("a session that the store did not take is there while it is tried again", async () => {
  const store = { isOut: true, hung: withResolvers<void>(), isHung: false };
  const upstreamSessions = intercepted(repositories.upstreamSessions, async (run, { method }) => {
    if (method !== "set") return run();
    if (store.isHung) await store.hung.promise;
    if (store.isOut) throw new StorageUnavailableError("The test refuses.");
    return run();
  });
  const harness = instance({ repositories: { ...repositories, upstreamSessions } });
  const { access_token: token } = await logIn(harness);
  clock.advanceSeconds(3600);
  expect(await upstreamTokenOf(harness, token)).toBe("ada-2");
  clock.advanceSeconds(400);
  store.isHung = true;
  expect(await harness.mcpStatus(token), "which begins to store it again").toBe(200);
  const opening = upstreamTokenOf(harness, token);
  store.hung.resolve();
  expect(await opening).toBe("ada-2");
  expect(await harness.mcpStatus(token)).toBe(200);
});
