import { describe, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../../src/index.ts";
import { gated } from "../../support/gated-repository.ts";
import { failingOnce, overtaken, recordedRepositories } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const open = (options = {}) => new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });
const withoutRefresh = { grant_types: ["authorization_code"] };
const day = 86_400;

describe("a redemption that failed halfway", () => {
  it.each([
    // What is missing is no access token: that one says by being there that it has not expired.
    { missing: "refreshTokens", lifetime: 100, seconds: 99.999, status: 200 },
    { missing: "refreshTokens", lifetime: 100, seconds: 100, status: 400 },
    // The clocks of instances may be two minutes apart: an access token that is missing may have been there before that.
    { missing: "accessTokens", lifetime: 300, seconds: 179.999, status: 200 },
    { missing: "accessTokens", lifetime: 300, seconds: 180, status: 400 },
    { missing: "accessTokens", lifetime: 120, seconds: 0, status: 400 },
    { missing: "grants", lifetime: 120, seconds: 119.999, status: 200 },
  ] as const)(
    "can be taken up while its access token is surely there: without $missing, $lifetime s, after $seconds s, $status",
    async ({ missing, lifetime, seconds, status }) => {
      const clock = new ManualClock();
      const inner = createInMemoryRepositories({ clock: clock.read });
      const flaky = failingOnce<unknown>(inner[missing]);
      const harness = open({
        clock: clock.read,
        repositories: { ...inner, [missing]: flaky.repository },
        accessTokenLifetimeSeconds: lifetime,
        authorizationCodeLifetimeSeconds: 300,
      });
      const code = await harness.codeFor((await harness.register()).client_id);
      flaky.failNext("add", "before");
      expect((await harness.redeem(code)).status).toBe(503);
      clock.advanceSeconds(seconds);
      expect((await harness.redeem(code)).status).toBe(status);
    },
  );

  it("is not taken up by a request that is suspended until the access token may have come and gone", async () => {
    const clock = new ManualClock();
    const inner = createInMemoryRepositories({ clock: clock.read });
    const flaky = failingOnce(inner.accessTokens);
    const accessTokens = gated(flaky.repository);
    const harness = open({
      clock: clock.read,
      repositories: { ...inner, accessTokens },
      accessTokenLifetimeSeconds: 300,
      authorizationCodeLifetimeSeconds: 300,
    });
    const code = await harness.codeFor((await harness.register()).client_id);
    flaky.failNext("add", "before");
    expect((await harness.redeem(code)).status).toBe(503);
    const addition = accessTokens.hold("add");
    const late = harness.redeem(code);
    await addition.arrival(late);
    clock.advanceSeconds(180);
    await addition.answer();
    expect((await late).status).toBe(400);
    expect(await recordsOf(inner.grants)).toMatchObject([[expect.any(String), { revokedAt: expect.any(Number) }]]);
  });
});

describe("a redemption that fails twice", () => {
  it.each(["grants", "refreshTokens", "accessTokens"] as const)(
    "is done by the third attempt: %s before the effect, and then after it",
    async (kind) => {
      const inner = createInMemoryRepositories();
      const flaky = failingOnce<unknown>(inner[kind]);
      const harness = open({ repositories: { ...inner, [kind]: flaky.repository } });
      const code = await harness.codeFor((await harness.register()).client_id);
      const statuses: number[] = [];
      for (const moment of ["before", "after and unread", undefined] as const) {
        if (moment !== undefined) flaky.failNext("add", moment);
        statuses.push((await harness.redeem(code)).status);
      }
      expect(statuses).toEqual([503, 503, 200]);
      expect((await harness.redeem(code)).status).toBe(400);
    },
  );
});

describe("a redemption whose store is slow or has lost something", () => {
  it("answers nobody after ten minutes, though everything is there", async () => {
    const clock = new ManualClock();
    const inner = createInMemoryRepositories({ clock: clock.read });
    const accessTokens = gated(inner.accessTokens);
    const harness = open({ clock: clock.read, repositories: { ...inner, accessTokens } });
    const code = await harness.codeFor((await harness.register()).client_id);
    const gate = accessTokens.hold("add");
    const answer = harness.redeem(code);
    await gate.arrival();
    clock.advanceSeconds(601);
    await gate.answer();
    expect((await answer).status).toBe(503);
  });

  it.each([
    ["refreshTokens", 3600],
    ["accessTokens", 0],
  ] as const)("is no failure of the server: %s were there and are gone", async (kind, expiresIn) => {
    const inner = createInMemoryRepositories();
    const { repository, begin } = overtaken<unknown>(inner[kind]);
    const harness = open({ repositories: { ...inner, [kind]: repository } });
    const code = await harness.codeFor((await harness.register()).client_id);
    begin();
    const answer = await harness.redeem(code);
    expect(answer.status).toBe(200);
    expect((await jsonOf(answer)).expires_in).toBeGreaterThanOrEqual(expiresIn - 1);
    expect((await harness.redeem(code)).status).not.toBe(500);
  });
});

describe("the record of a grant", () => {
  const lifetimes = { accessTokenLifetimeSeconds: 3600, grantLifetimeSeconds: 90 * day };
  const short = { accessTokenLifetimeSeconds: 5, grantLifetimeSeconds: 10 };
  it.each([
    ["as its grant, where a refresh token may need it", {}, lifetimes, 90 * day],
    ["as its access token, where there is no other", withoutRefresh, lifetimes, 3600],
    // The code's minute, two minutes for an instance that is ahead, ten for the slowest request, half a minute for clocks.
    ["as a request with its code may take, where the grant is over sooner", {}, short, 60 + 120 + 600 + 120],
  ])("is kept as long %s", async (_, metadata, options, seconds) => {
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const harness = open({ clock: clock.read, repositories, ...options });
    const tokens = await harness.tokensFor((await harness.register(metadata)).client_id);
    const [[, grant] = []] = await recordsOf(repositories.grants);
    expect(grant?.expiresAt).toBe(clock.seconds(seconds));
    expect(tokens.expires_in).toBe(options.accessTokenLifetimeSeconds);
  });

  it("has nothing of what its code has nothing of", async () => {
    const repositories = createInMemoryRepositories();
    const harness = open({ repositories });
    const code = await harness.codeFor((await harness.register()).client_id);
    const [[key, record] = []] = await recordsOf(repositories.authorizationCodes);
    if (key === undefined || record === undefined) throw new Error("It is stored.");
    const { subject: _, resource: __, sealedUpstream: ___, upstreamIssuer: ____, ...others } = record;
    await repositories.authorizationCodes.set(key, others);
    const tokens = await jsonOf(await harness.redeem(code));
    const [[, grant = {}] = []] = await recordsOf(repositories.grants);
    expect(Object.keys(grant).sort()).toEqual([
      "clientHost",
      "clientId",
      "clientName",
      "createdAt",
      "expiresAt",
      "redemption",
      "scopes",
    ]);
    const resource = "http://localhost:8000/mcp";
    expect((await harness.refresh({ ...code, ...tokens }, { resource })).status).toBe(200);
  });
});

describe("the calls of a redemption", () => {
  it("are four reads in one turn, one of them for the name of the client, and three writes", async () => {
    const { repositories, calls } = recordedRepositories();
    const harness = open({ repositories });
    const { client_id: clientId } = await harness.register();
    // The first login of a registration makes the registration last.
    await harness.tokensFor(clientId);
    const code = await harness.codeFor(clientId);
    calls.length = 0;
    expect((await harness.redeem(code)).status).toBe(200);
    expect(calls.sort()).toEqual([
      "access_token add",
      "authorization_code get",
      "client get",
      "grant add",
      "grant get",
      "refresh_token add",
      "refresh_token get",
    ]);
  });
});

it("the answer to a second try says how long the token of the first one is good, which is the one that it gives", async () => {
  const clock = new ManualClock();
  const inner = createInMemoryRepositories({ clock: clock.read });
  const refreshTokens = failingOnce(inner.refreshTokens);
  const repositories = { ...inner, refreshTokens: refreshTokens.repository };
  const harness = open({ clock: clock.read, repositories });
  const code = await harness.codeFor((await harness.register()).client_id);
  refreshTokens.failNext("add", "before");
  await harness.redeem(code);
  clock.advanceSeconds(10);
  const tokens = await jsonOf(await harness.redeem(code));
  expect(tokens.expires_in).toBe(3590);
  expect((await harness.provider.verifyAccessToken(tokens.access_token)).expiresAt).toBe(clock.seconds(3590));
});
