import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, type ProviderRepositories } from "../../../src/index.ts";
import { upstreamSessionKey } from "../../../src/records/keys.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { type FakeUpstreamServer, logInAdaWithUpstream, startServer } from "../../support/fake-upstream-server.ts";
import { failingOnce } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import type { IssuedTokens } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";

let clock: ManualClock;
let upstream: FakeUpstream;
let repositories: ProviderRepositories;
beforeEach(() => {
  clock = new ManualClock();
  upstream = new FakeUpstream(clock.read);
  repositories = createInMemoryRepositories({ clock: clock.read });
});

const ended = () => upstream.revoked.map(({ token }) => token);

/** The timers that are set: a test lets the first of them come to its end. */
let timers: { readonly milliseconds: number; readonly run: () => void }[];
beforeEach(() => {
  timers = [];
});
async function waitForTimer(): Promise<void> {
  const [timer] = timers.splice(0, 1);
  if (timer === undefined) throw new Error("No timer is set.");
  clock.advance(timer.milliseconds);
  timer.run();
  await new Promise(setImmediate);
}

const start = (changes: Partial<ProviderRepositories> = {}): FakeUpstreamServer =>
  startServer(
    {
      upstream,
      repositories: { ...repositories, ...changes },
      clock: clock.read,
      accessTokenLifetimeSeconds: 24 * 3600,
    },
    {
      later: (milliseconds, run) => {
        const timer = { milliseconds, run };
        timers.push(timer);
        return () => {
          timers = timers.filter((each) => each !== timer);
        };
      },
    },
  );

/** Any request, and what it sets about. */
async function request(harness: FakeUpstreamServer): Promise<void> {
  await harness.get("/.well-known/oauth-authorization-server");
  await new Promise(setImmediate);
}

describe("a session that was refreshed, and that the store did not take", () => {
  async function refreshedUnstored() {
    const flaky = failingOnce(repositories.upstreamSessions);
    const harness = start({ upstreamSessions: flaky.repository });
    const tokens = await logInAdaWithUpstream(harness);
    clock.advanceSeconds(3600);
    flaky.failNext("set", "before");
    const renewed = await harness.provider.upstreamToken({ token: tokens.access_token });
    expect(renewed.token).not.toBe(tokens.upstreamToken);
    expect(await recordsOf(repositories.upstreamSessions)).toEqual([]);
    return { flaky, harness, tokens, renewed };
  }
  const tokenAt = async (harness: FakeUpstreamServer, { access_token: token }: IssuedTokens) =>
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

  it("is stored by a timer where no request comes, so that another instance goes on with it", async () => {
    const { flaky, tokens, renewed } = await refreshedUnstored();
    flaky.failNext("set", "before");
    for (let times = 0; times < 2; times += 1) await waitForTimer();
    expect(timers).toEqual([]);
    clock.advanceSeconds(310);
    expect(await tokenAt(start(), tokens)).toBe(renewed.token);
  });

  it("is stored as the instance is shut down", async () => {
    const { harness, tokens, renewed } = await refreshedUnstored();
    await harness.provider[Symbol.asyncDispose]();
    expect(timers).toEqual([]);
    expect(await tokenAt(start(), tokens)).toBe(renewed.token);
  });

  it.each<[string, boolean, (scene: Awaited<ReturnType<typeof refreshedUnstored>>) => Promise<unknown>]>([
    ["the next request for it has stored it", true, ({ harness, tokens }) => tokenAt(harness, tokens)],
    [
      "the next request for it has found another one",
      true,
      async ({ harness, tokens }) => {
        const theirs = { sealed: "of somebody else", expiresAt: clock.seconds(3600) };
        await repositories.upstreamSessions.set(upstreamSessionKey(tokens.grantId), theirs);
        await expect(tokenAt(harness, tokens)).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
      },
    ],
    ["no request has come", false, async () => {}],
  ])("needs nothing more as the instance is shut down where %s: %j", async (_, isDone, meanwhile) => {
    const scene = await refreshedUnstored();
    await meanwhile(scene);
    scene.flaky.failNext("get", "before");
    const lost = heard("lost-at-end");
    await scene.harness.provider[Symbol.asyncDispose]();
    expect(lost.stop()).toEqual(isDone ? [] : [{ kind: "sessions", count: 1 }]);
  });

  it("is told to be lost where the store does not take it as the instance is shut down", async () => {
    const { flaky, harness } = await refreshedUnstored();
    const told: unknown[] = [];
    const listen = (event: unknown) => void told.push(event);
    subscribe("pangea-authn-fastmcp:lost-at-end", listen);
    try {
      flaky.failNext("set", "before");
      await harness.provider[Symbol.asyncDispose]();
    } finally {
      unsubscribe("pangea-authn-fastmcp:lost-at-end", listen);
    }
    expect(told).toEqual([{ kind: "sessions", count: 1 }]);
  });
});
