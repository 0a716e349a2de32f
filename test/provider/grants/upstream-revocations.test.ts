import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { beforeEach, describe, expect, it } from "vitest";
import {
  createInMemoryRepositories,
  type McpOAuthProviderOptions,
  type ProviderRepositories,
  UpstreamRejectedError,
  UpstreamUnavailableError,
} from "../../../src/index.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import {
  type FakeUpstreamServer,
  logInAda,
  logInAdaWithUpstream,
  serverSecret,
  startServer,
} from "../../support/fake-upstream-server.ts";
import { failingOnce, intercepted } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { type IssuedTokens, pkce } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";

let clock: ManualClock;
let upstream: ForgetfulUpstream;
let repositories: ProviderRepositories;
beforeEach(() => {
  clock = new ManualClock();
  upstream = new ForgetfulUpstream(clock.read);
  repositories = createInMemoryRepositories({ clock: clock.read });
});

/** An upstream whose endpoint for revocations a test switches off. */
class ForgetfulUpstream extends FakeUpstream {
  isOut = false;
  failure: () => Error = () => new UpstreamUnavailableError("The test switched the upstream off.");
  /** How often it was told, and did not listen. */
  missed = 0;

  override async revoke(tokens: Parameters<FakeUpstream["revoke"]>[0]): Promise<void> {
    if (this.isOut) {
      this.missed += 1;
      throw this.failure();
    }
    await super.revoke(tokens);
  }

  get ended(): string[] {
    return this.revoked.map(({ token }) => token);
  }
}

const start = (changes: Partial<McpOAuthProviderOptions> = {}): FakeUpstreamServer =>
  startServer({
    ...{ upstream, repositories, clock: clock.read, accessTokenLifetimeSeconds: 24 * 3600 },
    // Each failure that a test makes would be a line of the log.
    logger: false,
    ...changes,
  });

const revoke = (harness: FakeUpstreamServer, { clientId, refresh_token }: IssuedTokens) =>
  harness.postForm("/revoke", { client_id: clientId, token: refresh_token });
/** Any request, and what it sets about. */
async function request(harness: FakeUpstreamServer): Promise<void> {
  await harness.get("/.well-known/oauth-authorization-server");
  await new Promise(setImmediate);
}

describe("an upstream that cannot be told of a revocation", () => {
  it("does not keep the login alive, and is told when it answers again, after pauses that grow", async () => {
    const harness = start();
    const tokens = await logInAdaWithUpstream(harness);
    upstream.isOut = true;
    expect((await revoke(harness, tokens)).status).toBe(200);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    expect(upstream.missed).toBe(1);
    const told: number[] = [];
    for (let second = 0; second < 100; second += 1) {
      const before = upstream.missed;
      await request(harness);
      if (upstream.missed > before) told.push(second);
      clock.advanceSeconds(1);
    }
    expect(told).toEqual([10, 30, 70]);
    upstream.isOut = false;
    clock.advanceSeconds(80);
    await request(harness);
    expect(upstream.ended).toEqual([tokens.upstreamToken]);
    expect(await recordsOf(repositories.upstreamRevocations)).toEqual([]);
    clock.advanceSeconds(10_000);
    await request(harness);
    expect(upstream.ended).toHaveLength(1);
  });

  it("is told at once when the login is shown again, and what was kept for it goes all the same", async () => {
    const harness = start();
    const tokens = await logInAdaWithUpstream(harness);
    upstream.isOut = true;
    await revoke(harness, tokens);
    expect(await recordsOf(repositories.upstreamRevocations)).toHaveLength(1);
    upstream.isOut = false;
    await revoke(harness, tokens);
    clock.advanceSeconds(10);
    await request(harness);
    expect(new Set(upstream.ended)).toEqual(new Set([tokens.upstreamToken]));
    expect(await recordsOf(repositories.upstreamRevocations)).toEqual([]);
  });

  it("is told by any other instance that goes through what is kept", async () => {
    const [harness, other] = [start(), start()];
    const [one, two] = [await logInAdaWithUpstream(harness), await logInAdaWithUpstream(harness)];
    upstream.isOut = true;
    for (const tokens of [one, two]) await revoke(harness, tokens);
    expect(await other.provider.retryUpstreamRevocations()).toBe(0);
    upstream.isOut = false;
    expect(await other.provider.retryUpstreamRevocations()).toBe(2);
    expect(upstream.ended.sort()).toEqual([one.upstreamToken, two.upstreamToken].sort());
    expect(await other.provider.retryUpstreamRevocations()).toBe(0);
    // The instance that could not tell it finds nothing left to be told.
    clock.advanceSeconds(1_000);
    await request(harness);
    expect(upstream.ended).toHaveLength(2);
  });

  it("is told of nothing that does not open, and what does not open is kept for whoever has the secret", async () => {
    const harness = start();
    const tokens = await logInAdaWithUpstream(harness);
    upstream.isOut = true;
    await revoke(harness, tokens);
    upstream.isOut = false;
    const stranger = start({ secret: "another secret, which is long enough too" });
    expect(await stranger.provider.retryUpstreamRevocations()).toBe(0);
    const rotated = start({ secret: ["another secret, which is long enough too", serverSecret] });
    expect(await rotated.provider.retryUpstreamRevocations()).toBe(1);
    expect(upstream.ended).toEqual([tokens.upstreamToken]);
  });

  it("is told by the instance that could not tell it only where the store cannot list what is kept", async () => {
    const upstreamRevocations = intercepted(repositories.upstreamRevocations, (run) => run());
    const harness = start({ repositories: { ...repositories, upstreamRevocations } });
    const tokens = await logInAdaWithUpstream(harness);
    upstream.isOut = true;
    await revoke(harness, tokens);
    upstream.isOut = false;
    expect(await harness.provider.retryUpstreamRevocations()).toBe(0);
    expect(upstream.ended).toEqual([]);
    clock.advanceSeconds(10);
    await request(harness);
    expect(upstream.ended).toEqual([tokens.upstreamToken]);
  });

  it("is reported each time, and whoever goes through what is kept goes on", async () => {
    const codes: unknown[] = [];
    const listen = (event: unknown) => void codes.push(event);
    const harness = start();
    const [one, two] = [await logInAdaWithUpstream(harness), await logInAdaWithUpstream(harness)];
    upstream.isOut = true;
    subscribe("pangea-authn-fastmcp:outage", listen);
    try {
      for (const tokens of [one, two]) await revoke(harness, tokens);
      expect(codes).toHaveLength(2);
      expect(await harness.provider.retryUpstreamRevocations()).toBe(0);
      expect(codes).toEqual(Array(4).fill(expect.objectContaining({ code: "ERR_UPSTREAM_UNAVAILABLE" })));
      upstream.isOut = false;
      clock.advanceSeconds(10);
      for (let times = 0; times < 2; times += 1) {
        await request(harness);
        clock.advanceSeconds(1_000);
      }
      expect(upstream.ended).toHaveLength(2);
      expect(codes, "what was done is no outage").toHaveLength(4);
    } finally {
      unsubscribe("pangea-authn-fastmcp:outage", listen);
    }
    expect(upstream.missed).toBe(4);
  });

  it("leaves no token of a user in the store in plain, and nothing that is moved to another grant", async () => {
    const harness = start();
    const [one, two] = [await logInAdaWithUpstream(harness), await logInAdaWithUpstream(harness)];
    upstream.isOut = true;
    for (const tokens of [one, two]) await revoke(harness, tokens);
    const [[first, record] = ["", undefined], [second, other] = ["", undefined]] = await recordsOf(
      repositories.upstreamRevocations,
    );
    expect(JSON.stringify([record, other])).not.toContain(one.upstreamToken);
    if (record === undefined || other === undefined) throw new Error("Both are kept.");
    await repositories.upstreamRevocations.set(first, other);
    await repositories.upstreamRevocations.set(second, record);
    upstream.isOut = false;
    expect(await harness.provider.retryUpstreamRevocations()).toBe(0);
  });

  it("has the revocation answered with 503 where the store does not keep it either, and is told at the next try", async () => {
    const flaky = failingOnce(repositories.upstreamRevocations);
    const harness = start({ repositories: { ...repositories, upstreamRevocations: flaky.repository } });
    const tokens = await logInAdaWithUpstream(harness);
    upstream.isOut = true;
    flaky.failNext("set", "before");
    expect((await revoke(harness, tokens)).status).toBe(503);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    upstream.isOut = false;
    expect((await revoke(harness, tokens)).status).toBe(200);
    expect(upstream.ended).toEqual([tokens.upstreamToken]);
  });
});

describe("a login that a second use ends", () => {
  it.each<[string, (harness: FakeUpstreamServer, tokens: IssuedTokens) => Promise<Response>]>([
    ["of its code", (harness, tokens) => harness.redeem(tokens)],
    [
      "of its code by whoever does not have the verifier",
      (harness, tokens) => harness.redeem({ ...tokens, verifier: pkce().verifier }),
    ],
    [
      "of a refresh token",
      async (harness, tokens) => {
        const next = { ...tokens, ...(await jsonOf(await harness.refresh(tokens))) };
        await harness.refresh(next);
        clock.advanceSeconds(30);
        return harness.refresh(tokens);
      },
    ],
  ])("%s is over upstream too", async (_, repeat) => {
    const harness = start();
    const tokens = await logInAdaWithUpstream(harness);
    const answer = await repeat(harness, tokens);
    expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "invalid_grant"]);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    expect(upstream.ended).toEqual([tokens.upstreamToken]);
  });
});

describe("a login that was ended by somebody who holds nothing of it", () => {
  const shows: [string, (harness: FakeUpstreamServer, tokens: IssuedTokens) => Promise<unknown>][] = [
    ["its access token", (harness, { access_token }) => harness.provider.upstreamToken({ token: access_token })],
    ["its refresh token", (harness, tokens) => harness.refresh(tokens)],
    ["its refresh token, to revoke it", revoke],
    ["its code", (harness, tokens) => harness.redeem(tokens)],
  ];

  it.each(shows)("is ended upstream by whoever shows %s, on any instance, once", async (_, show) => {
    const harness = start();
    const tokens = await logInAdaWithUpstream(harness);
    expect(await start().provider.revokeGrant(tokens.grantId)).toBe(true);
    expect(upstream.ended, "nobody could open the session").toEqual([]);
    for (let times = 0; times < 2; times += 1) await Promise.resolve(show(harness, tokens)).catch(() => undefined);
    expect(upstream.ended).toEqual([tokens.upstreamToken]);
  });

  it.each(shows.slice(0, 3))("has its newest session ended by whoever shows %s", async (_, show) => {
    const harness = start({ accessTokenLifetimeSeconds: 24 * 3600 });
    const tokens = await logInAdaWithUpstream(harness);
    clock.advanceSeconds(3600);
    const renewed = await harness.provider.upstreamToken({ token: tokens.access_token });
    expect(renewed.token).not.toBe(tokens.upstreamToken);
    await start().provider.revokeGrant(tokens.grantId);
    await Promise.resolve(show(harness, tokens)).catch(() => undefined);
    expect(upstream.ended).toEqual([renewed.token]);
  });
});

describe("an access token whose key does not open", () => {
  it("says that its login is over, and is told of", async () => {
    const harness = start();
    const tokens = await logInAdaWithUpstream(harness);
    const [[key, record] = []] = await recordsOf(repositories.accessTokens);
    if (key === undefined || record?.wrappedKey === undefined) throw new Error("It is stored.");
    const opened = () => harness.provider.upstreamToken({ token: tokens.access_token });
    await repositories.accessTokens.set(key, { ...record, wrappedKey: `${record.wrappedKey.slice(0, -6)}AAAAAA` });
    const outages = heard("outage");
    await expect(opened()).rejects.toMatchObject({ error: "invalid_token" });
    expect(outages.stop()).toMatchObject([{ code: "ERR_UNSEALABLE" }]);
    await repositories.accessTokens.set(key, record);
    expect((await opened()).token).toBe(tokens.upstreamToken);
  });
});

describe("an access token whose key is sealed under a secret that this instance does not have", () => {
  it("asks to come back while another instance has the secret, and to log in again once none has it", async () => {
    const tokens = await logInAda(start());
    const stranger = start({ secret: "another secret, which is long enough too" });
    const opened = () => stranger.provider.upstreamToken({ token: tokens.access_token });
    await expect(opened()).rejects.toMatchObject({ error: "temporarily_unavailable" });
    clock.advanceSeconds(12 * 3600);
    await expect(opened()).rejects.toMatchObject({ error: "invalid_token" });
  });
});

describe("an upstream that refuses a revocation", () => {
  /** Signs out, and lets a day of requests go by, one in ten minutes. */
  async function dayAfter(failure: () => Error) {
    const harness = start();
    const tokens = await logInAdaWithUpstream(harness);
    upstream.isOut = true;
    upstream.failure = failure;
    const told: unknown[] = [];
    const listen = (event: unknown) => void told.push(event);
    subscribe("pangea-authn-fastmcp:upstream-revocation-refused", listen);
    try {
      expect((await revoke(harness, tokens)).status).toBe(200);
      for (let minute = 0; minute < 24 * 60; minute += 10) {
        clock.advanceSeconds(600);
        await request(harness);
      }
    } finally {
      unsubscribe("pangea-authn-fastmcp:upstream-revocation-refused", listen);
    }
    return { harness, tokens, told };
  }

  it.each([
    ["unsupported_token_type", false],
    ["invalid_request", false],
    ["invalid_token", false],
    ["invalid_client", true],
    ["unauthorized_client", true],
  ])("with %s is not asked again, and the operator is told; kept for the operator: %j", async (error, isKept) => {
    const { harness, tokens, told } = await dayAfter(() => new UpstreamRejectedError(error, "no", { advice: "Do." }));
    expect(upstream.missed).toBe(1);
    const failure = expect.objectContaining({ code: "ERR_UPSTREAM_REJECTED" });
    expect(told).toEqual([{ upstreamIssuer: upstream.issuer, error, isKept, failure, advice: "Do." }]);
    expect(await recordsOf(repositories.upstreamRevocations)).toHaveLength(isKept ? 1 : 0);
    upstream.isOut = false;
    expect(await harness.provider.retryUpstreamRevocations()).toBe(isKept ? 1 : 0);
    expect(upstream.ended).toEqual(isKept ? [tokens.upstreamToken] : []);
  });

  it.each([
    new UpstreamUnavailableError("no"),
    new UpstreamRejectedError("server_error", "A page of a proxy."),
    new UpstreamRejectedError("temporarily_unavailable", "no"),
    new TypeError("fetch failed"),
  ])("by what may be an outage is asked again, after pauses that grow: %s", async (failure) => {
    const { told } = await dayAfter(() => failure);
    expect(told).toEqual([]);
    // In a day of 144 requests: by doubling from ten seconds to six hours.
    expect(upstream.missed).toBeGreaterThan(9);
    expect(upstream.missed).toBeLessThan(20);
    upstream.isOut = false;
    const harness = start();
    expect(await harness.provider.retryUpstreamRevocations()).toBe(1);
  });

  it("after an outage is not asked again from then on, and nothing of it is kept", async () => {
    let isRefusing = false;
    const harness = start();
    const tokens = await logInAdaWithUpstream(harness);
    upstream.isOut = true;
    upstream.failure = () =>
      isRefusing ? new UpstreamRejectedError("invalid_token", "no") : new UpstreamUnavailableError("no");
    await revoke(harness, tokens);
    isRefusing = true;
    for (let times = 0; times < 3; times += 1) {
      clock.advanceSeconds(100);
      await request(harness);
    }
    expect(upstream.missed).toBe(2);
    expect(await recordsOf(repositories.upstreamRevocations)).toEqual([]);
  });
});

describe("a session that the upstream could not be told the end of, and the store did not take", () => {
  async function inMemoryOnly() {
    const upstreamRevocations = failingOnce(repositories.upstreamRevocations);
    const harness = start({ repositories: { ...repositories, upstreamRevocations: upstreamRevocations.repository } });
    const { client_id: clientId } = await harness.register();
    const { challenge } = pkce();
    const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
    // Nobody is logged in, so nobody will ever show anything of the session again.
    upstream.identify = () => Promise.reject(new UpstreamUnavailableError("no"));
    upstream.isOut = true;
    upstreamRevocations.failNext("set", "before");
    await harness.finishLogin(logInAtFakeUpstream(location, "ada"), cookie);
    expect(upstreamRevocations.isPending()).toBe(false);
    expect(await recordsOf(repositories.upstreamRevocations)).toEqual([]);
    return { harness, upstreamRevocations };
  }

  it("is ended by this instance when the upstream answers again", async () => {
    const { harness } = await inMemoryOnly();
    upstream.isOut = false;
    clock.advanceSeconds(10);
    await request(harness);
    expect(upstream.ended).toEqual(["ada-1"]);
  });

  it("is stored when the store takes it again, and ended by any instance", async () => {
    const { harness } = await inMemoryOnly();
    clock.advanceSeconds(10);
    await request(harness);
    expect(await recordsOf(repositories.upstreamRevocations)).toHaveLength(1);
    upstream.isOut = false;
    expect(await start().provider.retryUpstreamRevocations()).toBe(1);
    expect(upstream.ended).toEqual(["ada-1"]);
  });

  it("is stored as the instance is shut down", async () => {
    const { harness } = await inMemoryOnly();
    await harness.provider[Symbol.asyncDispose]();
    expect(await recordsOf(repositories.upstreamRevocations)).toHaveLength(1);
  });

  it("is tried after pauses that grow, and is told to be lost where the shutdown cannot store it either", async () => {
    const { harness, upstreamRevocations } = await inMemoryOnly();
    const missed = upstream.missed;
    for (let second = 0; second < 100; second += 1) {
      clock.advanceSeconds(1);
      upstreamRevocations.failNext("set", "before");
      await request(harness);
    }
    expect(upstream.missed - missed).toBe(3);
    const told: unknown[] = [];
    const listen = (event: unknown) => void told.push(event);
    subscribe("pangea-authn-fastmcp:lost-at-end", listen);
    try {
      await harness.provider[Symbol.asyncDispose]();
    } finally {
      unsubscribe("pangea-authn-fastmcp:lost-at-end", listen);
    }
    expect(told).toEqual([{ kind: "revocations", count: 1 }]);
  });
});
