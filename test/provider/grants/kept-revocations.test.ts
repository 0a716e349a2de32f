import { beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import {
  createInMemoryRepositories,
  KeyRing,
  type ProviderRepositories,
  UnreadableRecordsError,
  UpstreamRejectedError,
  UpstreamUnavailableError,
} from "../../../src/index.ts";
import { UpstreamRevocations } from "../../../src/provider/grants/upstream-revocations.ts";
import { Upstreams } from "../../../src/provider/upstream/upstreams.ts";
import type { KeyHolder } from "../../../src/records/foreign-records.ts";
import { recordKey } from "../../../src/records/keys.ts";
import type { UpstreamRevocation } from "../../../src/records/upstream-revocation.ts";
import { configured } from "../../support/configured.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { failingOnce, intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { recordsOf } from "../../support/records-of.ts";

const tokens = { token: "ada-1" };
const gone = "https://login.gone.example";

let clock: ManualClock;
let expiresAt: number;
let repositories: ProviderRepositories;
let red: FakeUpstream;
let blue: FakeUpstream;
/** The timers that were set. */
let later: MockInstance<() => () => void> & (() => () => void);
beforeEach(() => {
  clock = new ManualClock();
  expiresAt = clock.seconds(1_000);
  later = vi.fn(() => () => {});
  repositories = createInMemoryRepositories({ clock: clock.read });
  [red, blue] = [new FakeUpstream(clock.read, "red"), new FakeUpstream(clock.read, "blue")];
});

/** The revocations of a server with both upstreams, where the holder of every key that is asked for is the same. */
function revocationsOf(
  holder: KeyHolder = "nobody",
  { formerIssuer = red.issuer, keys }: { readonly formerIssuer?: string; readonly keys?: KeyRing } = {},
) {
  const configuration = configured({ repositories }, clock);
  const upstreams = new Upstreams([red, blue], { baseUrl: configuration.baseUrl, formerIssuer });
  const announcements = { holderOf: async () => holder };
  const changes = { later, upstreams, announcements, ...(keys !== undefined && { keys }) };
  return new UpstreamRevocations({ ...configuration, ...changes });
}

const kept = () => recordsOf(repositories.upstreamRevocations);
const told = () => [red, blue].map(({ revoked }) => revoked.length);

/** Goes through what is kept, and says how many were told, and which outages there were. */
async function retried(revocations: UpstreamRevocations) {
  const outages = heard("outage");
  const ended = await revocations.retryAll();
  return { ended, outages: outages.stop().map((outage) => Object(outage).code) };
}

/** Lets the revocations of an upstream fail; what it gives back counts them. */
const failing = (upstream: FakeUpstream, failure: Error = new UpstreamUnavailableError("The test switched it off.")) =>
  vi.spyOn(upstream, "revoke").mockRejectedValue(failure);
const refusal = (error: string) => new UpstreamRejectedError(error, "The test refuses.");

/** The errors by which an upstream refuses, and whether the tokens are kept for the operator then. */
const refusals: [string, boolean][] = [
  ["invalid_token", false],
  ["invalid_client", true],
];
/** What an operator is told of such a refusal by the first upstream. */
const toldOf = (error: string, isKept: boolean) => ({
  ...{ upstreamIssuer: red.issuer, error, isKept },
  failure: expect.objectContaining({ code: "ERR_UPSTREAM_REJECTED" }),
});

/** Keeps a revocation that its upstream could not be told. */
async function keep(issuer: string | undefined, keys?: KeyRing): Promise<void> {
  const outs = [red, blue].map((upstream) => failing(upstream));
  const revocations = revocationsOf("nobody", keys === undefined ? {} : { keys });
  await revocations.end("grant", { tokens, ...(issuer !== undefined && { issuer }) }, expiresAt);
  for (const out of outs) out.mockRestore();
}

describe("the end of a session", () => {
  it.each([
    ["names its upstream", () => blue.issuer, [0, 1]],
    ["is from when there was one upstream", () => undefined, [1, 0]],
  ])("is told at once to the upstream where it %s", async (_, issuerOf, expected) => {
    const issuer = issuerOf();
    await revocationsOf().end("grant", { tokens, ...(issuer !== undefined && { issuer }) }, expiresAt);
    expect(told()).toEqual(expected);
    expect(await kept()).toEqual([]);
  });

  it.each([
    ["an upstream that is not there any more", gone],
    ["one that nobody knows", undefined],
  ])("at %s is kept, is no outage, and is told to nobody", async (_, issuer) => {
    const revocations = revocationsOf("nobody", { formerIssuer: gone });
    const outages = heard("outage");
    await revocations.end("grant", { tokens, ...(issuer !== undefined && { issuer }) }, expiresAt);
    expect(outages.stop()).toEqual([]);
    const record = { sealed: expect.any(String), expiresAt, ...(issuer !== undefined && { upstreamIssuer: issuer }) };
    expect(await kept()).toStrictEqual([[recordKey("upstream_revocation", "grant", tokens.token), record]]);
    expect(later, "it is nothing for this instance to try again").not.toHaveBeenCalled();
    expect(await retried(revocations)).toEqual({ ended: 0, outages: [] });
    expect(await kept()).toHaveLength(1);
    expect(told()).toEqual([0, 0]);
  });
});

describe("the end of a session that is kept", () => {
  it.each([
    ["blue", [0, 1]],
    ["red", [1, 0]],
    ["nobody", [1, 0]],
  ])("for %s is told to that upstream, once", async (id, expected) => {
    await keep(id === "nobody" ? undefined : (id === "red" ? red : blue).issuer);
    expect(await retried(revocationsOf())).toEqual({ ended: 1, outages: [] });
    expect(told()).toEqual(expected);
    expect(await retried(revocationsOf())).toEqual({ ended: 0, outages: [] });
  });

  it.each<[string, (record: UpstreamRevocation) => UpstreamRevocation]>([
    ["another upstream", (record) => ({ ...record, upstreamIssuer: red.issuer })],
    ["the upstream of old", ({ upstreamIssuer: _, ...record }) => record],
  ])("is not told to %s, where somebody has written that into the store", async (_, rewrite) => {
    await keep(blue.issuer);
    for (const [key, record] of await kept()) await repositories.upstreamRevocations.set(key, rewrite(record));
    expect(await retried(revocationsOf())).toEqual({ ended: 0, outages: ["ERR_UNSEALABLE"] });
    expect(told()).toEqual([0, 0]);
    expect(await kept()).toHaveLength(1);
  });

  it.each<[KeyHolder, readonly string[]]>([
    ["another server", []],
    ["this server", ["ERR_UNSEALABLE"]],
    ["nobody", ["ERR_UNSEALABLE"]],
  ])("and sealed under a key that %s has is told to nobody", async (holder, outages) => {
    await keep(red.issuer, KeyRing.from("a secret of another server, or of nobody"));
    expect(await retried(revocationsOf(holder))).toEqual({ ended: 0, outages });
    expect(await kept()).toHaveLength(1);
  });

  it("is an outage where it was altered, or its upstream is out, whoever has the key", async () => {
    await keep(red.issuer);
    failing(red);
    expect((await retried(revocationsOf("another server"))).outages).toEqual(["ERR_UPSTREAM_UNAVAILABLE"]);
    for (const [key, record] of await kept()) {
      const sealed = `${record.sealed.slice(0, -6)}AAAAAA`;
      await repositories.upstreamRevocations.set(key, { ...record, sealed });
    }
    expect((await retried(revocationsOf("another server"))).outages).toEqual(["ERR_UNSEALABLE"]);
  });

  it.each(refusals)(
    "and that its upstream refuses with %s is no outage; kept for the operator: %j",
    async (error, isKept) => {
      await keep(red.issuer);
      failing(red, refusal(error));
      const refused = heard("upstream-revocation-refused");
      expect(await retried(revocationsOf())).toEqual({ ended: 0, outages: [] });
      expect(refused.stop()).toStrictEqual([toldOf(error, isKept)]);
      expect(await kept()).toHaveLength(isKept ? 1 : 0);
    },
  );

  it("is not told again at the end of this instance, since any other one finds it in the store", async () => {
    const asked = failing(red);
    const revocations = revocationsOf();
    await revocations.end("grant", { tokens }, expiresAt);
    await revocations.retries[Symbol.asyncDispose]();
    expect(asked).toHaveBeenCalledTimes(1);
    expect(await kept()).toHaveLength(1);
  });

  it("is told though others cannot be read, which is told at the end", async () => {
    await keep(red.issuer);
    const inner = repositories.upstreamRevocations;
    const found = await kept();
    async function* entries(): AsyncGenerator<[string, UpstreamRevocation]> {
      for (const [key, record] of found) yield [key, record];
      throw new UnreadableRecordsError("The test has read one of two.", { count: 1, keyIds: [] });
    }
    const upstreamRevocations = Object.assign(
      intercepted<string, UpstreamRevocation>(inner, (run) => run()),
      { entries },
    );
    repositories = { ...repositories, upstreamRevocations };
    await expect(revocationsOf().retryAll()).rejects.toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 1 });
    expect(told()).toEqual([1, 0]);
  });
});

describe("the end of a session that neither its upstream nor the store has taken", () => {
  let stored: ProviderRepositories["upstreamRevocations"];
  let revocations: UpstreamRevocations;
  let asked: ReturnType<typeof failing>;
  beforeEach(async () => {
    stored = repositories.upstreamRevocations;
    const flaky = failingOnce(stored);
    repositories = { ...repositories, upstreamRevocations: flaky.repository };
    revocations = revocationsOf();
    asked = failing(red);
    flaky.failNext("set", "before");
    await expect(end()).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT" });
    expect(asked).toHaveBeenCalledTimes(1);
  });

  const end = () => revocations.end("grant", { tokens }, expiresAt);
  /** Lets so much time go by, and what is due then be done. */
  async function after(seconds: number): Promise<void> {
    clock.advanceSeconds(seconds);
    revocations.retries.begin();
    await new Promise(setImmediate);
  }

  it("is told when the upstream answers again, and never stored", async () => {
    asked.mockRestore();
    await after(10);
    expect(told()).toEqual([1, 0]);
    expect(await recordsOf(stored)).toEqual([]);
  });

  it.each([
    ["until the session is over", 999, 2],
    ["and not once it is over", 1_000, 1],
  ])("is tried again %s", async (_, seconds, times) => {
    await after(seconds);
    expect(asked).toHaveBeenCalledTimes(times);
  });

  it.each(refusals)("is not tried again after a refusal with %s; kept for the operator: %j", async (error, isKept) => {
    asked.mockRejectedValue(refusal(error));
    const refused = heard("upstream-revocation-refused");
    for (const seconds of [10, 100, 100]) await after(seconds);
    expect(refused.stop()).toStrictEqual([toldOf(error, isKept)]);
    expect(asked).toHaveBeenCalledTimes(2);
    expect(await recordsOf(stored)).toHaveLength(isKept ? 1 : 0);
  });

  it("is forgotten here once somebody asks for it again, and the store takes it for the operator", async () => {
    asked.mockRejectedValue(refusal("invalid_client"));
    await end();
    expect(await recordsOf(stored)).toHaveLength(1);
    await after(100);
    expect(asked).toHaveBeenCalledTimes(2);
  });
});
