import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  createInMemoryRepositories,
  KeyRing,
  type ProviderRepositories,
  UnreadableRecordsError,
  UpstreamUnavailableError,
} from "../../../src/index.ts";
import { UpstreamRevocations } from "../../../src/provider/grants/upstream-revocations.ts";
import { Upstreams } from "../../../src/provider/upstream/upstreams.ts";
import type { KeyHolder } from "../../../src/records/foreign-records.ts";
import type { UpstreamRevocation } from "../../../src/records/upstream-revocation.ts";
import { configured } from "../../support/configured.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { recordsOf } from "../../support/records-of.ts";

const clock = new ManualClock();
const tokens = { token: "ada-1" };
const gone = "https://login.gone.example";

let repositories: ProviderRepositories;
let red: FakeUpstream;
let blue: FakeUpstream;
beforeEach(() => {
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
  return new UpstreamRevocations({ ...configuration, ...(keys !== undefined && { keys }), upstreams, announcements });
}

const expiresAt = clock.seconds(1_000);
const kept = () => recordsOf(repositories.upstreamRevocations);
const told = () => [red, blue].map(({ revoked }) => revoked.length);

/** Goes through what is kept, and says how many were told, and which outages there were. */
async function retried(revocations: UpstreamRevocations) {
  const outages = heard("outage");
  const ended = await revocations.retryAll();
  return { ended, outages: outages.stop().map((outage) => Object(outage).code) };
}

/** Keeps a revocation that its upstream could not be told. */
async function keep(issuer: string | undefined, keys?: KeyRing): Promise<void> {
  const outs = [red, blue].map((upstream) =>
    vi.spyOn(upstream, "revoke").mockRejectedValue(new UpstreamUnavailableError("The test switched the upstream off.")),
  );
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
    expect(await kept()).toStrictEqual([[expect.any(String), record]]);
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
    red.revoke = async () => {
      throw new UpstreamUnavailableError("The test switched the upstream off.");
    };
    expect((await retried(revocationsOf("another server"))).outages).toEqual(["ERR_UPSTREAM_UNAVAILABLE"]);
    for (const [key, record] of await kept()) {
      const sealed = `${record.sealed.slice(0, -6)}AAAAAA`;
      await repositories.upstreamRevocations.set(key, { ...record, sealed });
    }
    expect((await retried(revocationsOf("another server"))).outages).toEqual(["ERR_UNSEALABLE"]);
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
