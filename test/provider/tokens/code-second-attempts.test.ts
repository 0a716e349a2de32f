import { describe, expect, it } from "vitest";
import { StorageTimeoutError } from "../../../src/errors.ts";
import { createInMemoryRepositories } from "../../../src/index.ts";
import { gated } from "../../support/gated-repository.ts";
import { failingOnce, intercepted } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type IssuedCode, ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const open = (options = {}) => new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });
const errorOf = async (answer: Response) => [answer.status, (await jsonOf(answer)).error];
const withRefresh = { grant_types: ["authorization_code", "refresh_token"] };
const withoutRefresh = { grant_types: ["authorization_code"] };

/** Two instances over one store; the adds of the first one can be let fail. */
function instances() {
  const inner = createInMemoryRepositories();
  const flaky = {
    grants: failingOnce(inner.grants),
    refreshTokens: failingOnce(inner.refreshTokens),
    accessTokens: failingOnce(inner.accessTokens),
  };
  const { grants, refreshTokens, accessTokens } = flaky;
  const repositories = {
    ...inner,
    grants: grants.repository,
    refreshTokens: refreshTokens.repository,
    accessTokens: accessTokens.repository,
  };
  return { one: open({ repositories }), other: open({ repositories: inner }), inner, repositories, flaky };
}

/** Shows that a code is good, once, and what that means for the login. */
async function worksOnce(harness: ProviderHarness, code: IssuedCode): Promise<void> {
  const answer = await harness.redeem(code);
  expect(answer.status).toBe(200);
  const tokens = await jsonOf(answer);
  expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  expect(tokens.expires_in).toBeGreaterThan(3500);
  let last = tokens.access_token;
  if (tokens.refresh_token !== undefined) {
    const refreshed = await harness.refresh({ ...code, ...tokens });
    expect(refreshed.status).toBe(200);
    last = (await jsonOf(refreshed)).access_token;
  }
  expect(await errorOf(await harness.redeem(code))).toEqual([400, "invalid_grant"]);
  for (const token of [tokens.access_token, last]) expect(await harness.mcpStatus(token)).toBe(401);
}

const kinds = ["grants", "refreshTokens", "accessTokens"] as const;
const failures = kinds.flatMap((kind) => [
  { kind, moment: "before" as const },
  { kind, moment: "after and unread" as const },
]);

describe("a code whose redemption failed halfway", () => {
  it.each(failures)(
    "is good for another try on the instance, once: $kind failed $moment the effect",
    async (failure) => {
      for (const metadata of [withRefresh, withoutRefresh]) {
        const { one, flaky } = instances();
        const code = await one.codeFor((await one.register(metadata)).client_id);
        flaky[failure.kind].failNext("add", failure.moment);
        const outage = await one.redeem(code);
        // A client without refresh tokens has none that could fail.
        if (flaky[failure.kind].isPending())
          expect([failure.kind, metadata]).toEqual(["refreshTokens", withoutRefresh]);
        else {
          expect(await errorOf(outage.clone())).toEqual([503, "temporarily_unavailable"]);
          expect(outage.headers.get("retry-after")).not.toBeNull();
          await worksOnce(one, code);
        }
      }
    },
  );

  it("is good for another try though its access token lives for no longer than clocks may differ", async () => {
    const { inner, repositories, flaky } = instances();
    const one = open({ repositories, accessTokenLifetimeSeconds: 20 });
    const code = await one.codeFor((await one.register()).client_id);
    flaky.refreshTokens.failNext("add", "before");
    expect((await one.redeem(code)).status).toBe(503);
    expect((await open({ repositories: inner, accessTokenLifetimeSeconds: 20 }).redeem(code)).status).toBe(200);
    expect(await errorOf(await one.redeem(code))).toEqual([400, "invalid_grant"]);
  });

  it.each(kinds)(
    "needs no other try where the store tells what became of it: the answer about %s is lost",
    async (kind) => {
      const { one, flaky } = instances();
      const code = await one.codeFor((await one.register()).client_id);
      flaky[kind].failNext("add", "after");
      await worksOnce(one, code);
      expect(flaky[kind].isPending()).toBe(false);
    },
  );

  it.each(kinds)("is good for another try on another instance, once: %s are missing", async (kind) => {
    const { one, other, flaky } = instances();
    const code = await one.codeFor((await one.register(withRefresh)).client_id);
    flaky[kind].failNext("add", "before");
    expect((await one.redeem(code)).status).toBe(503);
    await worksOnce(other, code);
  });

  it.each(kinds)(
    "is used up on the instance that failed, once another one has answered: %s were missing",
    async (kind) => {
      const { one, other, flaky } = instances();
      const code = await one.codeFor((await one.register(withRefresh)).client_id);
      flaky[kind].failNext("add", "before");
      expect((await one.redeem(code)).status).toBe(503);
      const answer = await other.redeem(code);
      expect(answer.status).toBe(200);
      expect(await errorOf(await one.redeem(code))).toEqual([400, "invalid_grant"]);
      expect(await other.mcpStatus((await jsonOf(answer)).access_token)).toBe(401);
    },
  );

  it.each(failures)("is good once, however often $kind fail $moment the effect", async ({ kind, moment }) => {
    const { one, flaky } = instances();
    const code = await one.codeFor((await one.register(withRefresh)).client_id);
    const statuses: number[] = [];
    let answer = new Response();
    while (answer.status !== 200 || statuses.length === 0) {
      if (statuses.length < 3) flaky[kind].failNext("add", moment);
      answer = await one.redeem(code);
      statuses.push(answer.status);
      if (statuses.length > 4) break;
    }
    // Nothing is left to be added where an add failed after its effect.
    expect(statuses).toEqual(moment === "before" ? [503, 503, 503, 200] : [503, 200]);
    const { access_token } = await jsonOf(answer);
    expect(await errorOf(await one.redeem(code))).toEqual([400, "invalid_grant"]);
    expect(await one.mcpStatus(access_token)).toBe(401);
  });

  it("is good for another try where the refusal of an attempt beside it failed too", async () => {
    const { repositories, flaky } = instances();
    const refreshTokens = gated(repositories.refreshTokens);
    let readsOfLost = 0;
    const grants = intercepted(repositories.grants, async (run, { method }) => {
      // What an attempt reads of a grant that another one has added, and then once more to end it.
      if (method === "get" && isLost && ++readsOfLost === 2) throw new StorageTimeoutError("The test gives no answer.");
      return run();
    });
    let isLost = false;
    const one = open({ repositories: { ...repositories, grants, refreshTokens } });
    const code = await one.codeFor((await one.register(withRefresh)).client_id);
    const gate = refreshTokens.hold("get");
    const beside = one.redeem(code);
    await gate.arrival(beside);
    flaky.accessTokens.failNext("add", "before");
    expect(await errorOf(await one.redeem(code))).toEqual([503, "temporarily_unavailable"]);
    isLost = true;
    await gate.answer();
    expect(await errorOf(await beside)).toEqual([503, "temporarily_unavailable"]);
    isLost = false;
    await worksOnce(one, code);
  });

  it("is over on another instance where nothing is missing: nobody can tell that from a used one", async () => {
    const { one, other, flaky } = instances();
    const code = await one.codeFor((await one.register()).client_id);
    flaky.grants.failNext("add", "after and unread");
    expect((await one.redeem(code)).status).toBe(503);
    expect(await errorOf(await other.redeem(code))).toEqual([400, "invalid_grant"]);
    expect(await errorOf(await one.redeem(code))).toEqual([400, "invalid_grant"]);
  });

  it("is redeemed for tokens that a revocation finds, though a write of the first attempt lands last", async () => {
    for (const kind of kinds) {
      const inner = createInMemoryRepositories();
      const repository = gated<string, unknown>(inner[kind]);
      const one = open({ repositories: { ...inner, [kind]: repository } });
      const other = open({ repositories: inner });
      const code = await one.codeFor((await one.register()).client_id);
      const late = repository.hold("add");
      const first = one.redeem(code);
      await late.arrival();
      late.fail(new StorageTimeoutError("Nobody knows whether this was done."));
      expect((await first).status).toBe(503);
      const answer = await other.redeem(code);
      expect(answer.status).toBe(200);
      const tokens = await jsonOf(answer);
      await late.apply();

      expect(await other.mcpStatus(tokens.access_token)).toBe(200);
      const renewed = await other.refresh({ ...code, ...tokens });
      expect(renewed.status).toBe(200);
      const { access_token, refresh_token } = await jsonOf(renewed);
      await other.postForm("/revoke", { client_id: code.clientId, token: refresh_token });
      for (const token of [tokens.access_token, access_token]) expect(await other.mcpStatus(token)).toBe(401);
    }
  });

  it.each(kinds)(
    "answers one of a slow attempt and a quick one at the most, whatever becomes of the add to %s",
    async (kind) => {
      for (const outcome of ["done", "fails before", "fails after"] as const) {
        const inner = createInMemoryRepositories();
        const repository = gated<string, unknown>(inner[kind]);
        const one = open({ repositories: { ...inner, [kind]: repository } });
        const other = open({ repositories: inner });
        const code = await one.codeFor((await one.register()).client_id);
        const gate = repository.hold("add");
        const slow = one.redeem(code);
        await gate.arrival();
        const quick = await other.redeem(code);
        if (outcome === "fails after") await gate.apply();
        if (outcome === "done") await gate.answer();
        else gate.fail(new StorageTimeoutError("Nobody knows whether this was done."));
        const answers = [quick, await slow];
        for (const again of [one, other]) answers.push(await again.redeem(code));

        const granted = answers.filter(({ status }) => status === 200);
        expect(granted.length, outcome).toBeLessThanOrEqual(1);
        for (const answer of granted) {
          const tokens = await jsonOf(answer);
          expect(await one.mcpStatus(tokens.access_token), outcome).toBe(401);
          expect((await one.refresh({ ...code, ...tokens })).status, outcome).toBe(400);
        }
      }
    },
  );
});

describe("a failing attempt beside a good one", () => {
  const wrongs: [string, Record<string, string>, string][] = [
    ["a wrong verifier", { code_verifier: "w".repeat(43) }, "invalid_grant"],
    ["another redirect URI", { redirect_uri: "http://127.0.0.1:4999/other" }, "invalid_grant"],
    ["another resource", { resource: "http://localhost:8000/other" }, "invalid_target"],
    ["another client", { client_id: "nobody" }, "invalid_client"],
  ];

  /** The login goes on, and a true second use of its code still ends it. */
  async function goesOn(harness: ProviderHarness, code: IssuedCode, answer: Response): Promise<void> {
    expect(answer.status).toBe(200);
    const tokens = await jsonOf(answer);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    const renewed = await harness.refresh({ ...code, ...tokens });
    expect(renewed.status).toBe(200);
    expect(await errorOf(await harness.redeem(code))).toEqual([400, "invalid_grant"]);
    expect(await harness.mcpStatus((await jsonOf(renewed)).access_token)).toBe(401);
  }

  it.each(wrongs)("that reads the store after it costs nobody the login: %s", async (_, changes, error) => {
    for (const kind of ["authorizationCodes", "grants", "refreshTokens"] as const) {
      const inner = createInMemoryRepositories();
      const repository = gated<string, unknown>(inner[kind]);
      const harness = open({ repositories: { ...inner, [kind]: repository } });
      const code = await harness.codeFor((await harness.register()).client_id);
      const gate = repository.hold("get");
      const failing = harness.redeem(code, changes);
      await gate.arrival();
      const good = await harness.redeem(code);
      await gate.answer();
      expect((await jsonOf(await failing)).error, kind).toBe(error);
      await goesOn(harness, code, good);
    }
  });

  it.each(wrongs)("that comes while it writes costs nobody the login: %s", async (_, changes, error) => {
    for (const kind of kinds) {
      for (const isWritten of [false, true]) {
        const inner = createInMemoryRepositories();
        const repository = gated<string, unknown>(inner[kind]);
        const one = open({ repositories: { ...inner, [kind]: repository } });
        const other = isWritten ? one : open({ repositories: inner });
        const code = await one.codeFor((await one.register()).client_id);
        const gate = repository.hold("add");
        const good = one.redeem(code);
        await gate.arrival();
        // Everything is there, and the good attempt does not know yet.
        if (isWritten) await gate.apply();
        expect((await jsonOf(await other.redeem(code, changes))).error, kind).toBe(error);
        await gate.answer();
        await goesOn(one, code, await good);
      }
    }
  });
});

it("a redemption that was suspended until the grant of another one is gone adds nothing and answers nobody", async () => {
  const clock = new ManualClock();
  const inner = createInMemoryRepositories({ clock: clock.read });
  const grants = gated(inner.grants);
  const settings = { clock: clock.read, accessTokenLifetimeSeconds: 60 };
  const suspended = open({ ...settings, repositories: { ...inner, grants } });
  const other = open({ ...settings, repositories: inner });
  const code = await other.codeFor((await other.register(withoutRefresh)).client_id);
  const gate = grants.hold("get");
  const late = suspended.redeem(code);
  await gate.arrival();
  await gate.apply();
  expect((await other.redeem(code)).status).toBe(200);
  clock.advanceSeconds(24 * 3600);
  await gate.answer();
  expect(await errorOf(await late)).toEqual([503, "temporarily_unavailable"]);
  for (const kind of ["accessTokens", "grants"] as const) expect(await recordsOf<unknown>(inner[kind])).toEqual([]);
});
