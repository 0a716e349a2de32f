import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, type KeyRing, type ProviderRepositories } from "../../../src/index.ts";
import type { ProviderConfiguration } from "../../../src/provider/configuration/configuration.ts";
import { StepKey } from "../../../src/provider/grants/grant-key.ts";
import { Grants } from "../../../src/provider/grants/grants.ts";
import { KeyAnnouncements } from "../../../src/provider/keys/key-announcements.ts";
import {
  credentialCore,
  formatAccessToken,
  formatHandle,
  markCredential,
} from "../../../src/provider/oauth/grant-credential.ts";
import { revokeToken } from "../../../src/provider/tokens/token-revoker.ts";
import type { AccessToken } from "../../../src/records/access-token.ts";
import type { Grant } from "../../../src/records/grant.ts";
import { accessTokenKey, grantIdOf, refreshTokenKey } from "../../../src/records/keys.ts";
import { configured } from "../../support/configured.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { upstreamRevocationsOf } from "../../support/upstream-revocations.ts";

const handle = formatHandle(new Uint8Array(16).fill(1));
const grantId = grantIdOf(handle);
const core = credentialCore("refresh_token", { handle, generation: 1 }, new Uint8Array(32).fill(2));
const accessToken = formatAccessToken(handle, new Uint8Array(32).fill(3));
const pythons = `mcp_${"0f".repeat(32)}`;
const key = StepKey.create(grantId);
const session = { tokens: { token: "ada-1" }, identity: { subject: "ada" } };
const elsewhere = new URL("https://other.example/mcp");
const [othersSecret, lostSecret] = ["a secret that another instance alone has", "a secret that nobody has any more"];

let clock: ManualClock;
let upstream: FakeUpstream;
let repositories: ProviderRepositories;
let configuration: ProviderConfiguration;
let grant: Grant;
beforeEach(async () => {
  clock = new ManualClock();
  upstream = new FakeUpstream(clock.read);
  repositories = createInMemoryRepositories({ clock: clock.read });
  configuration = configured({ upstream, repositories }, clock);
  const sealedUpstream = key.grantKey.sealSession(session);
  grant = { clientId: "app", scopes: ["user"], createdAt: 0, expiresAt: clock.seconds(9_000), sealedUpstream };
  await repositories.grants.set(grantId, grant);
});

/** Revokes a token, and says what was told of meanwhile and which sessions were ended upstream. */
async function revoke(clientId: string, token: string) {
  const upstreamRevocations = upstreamRevocationsOf(configuration);
  const grants = new Grants({ ...configuration, storedGrants: repositories.grants, upstreamRevocations });
  const announcements = new KeyAnnouncements(configuration);
  const [outages, revoked] = [heard("outage"), heard("token-revoked")];
  let failure: unknown;
  try {
    await revokeToken({ ...configuration, repositories, grants, announcements }, clientId, token);
  } catch (caught) {
    failure = caught;
  }
  const codes = outages.stop().map((outage) => Object(outage).code);
  return { failure, outages: codes, told: revoked.stop(), ended: upstream.revoked.map((tokens) => tokens.token) };
}

/** The keys of another secret: of one that another instance announces, or of one that nobody has. */
async function keysOf(secret: string): Promise<KeyRing> {
  const other = configured({ upstream, repositories, secret }, clock);
  if (secret === othersSecret) {
    const announcements = new KeyAnnouncements(other);
    await announcements.ready();
    await announcements[Symbol.asyncDispose]();
  }
  return other.keys;
}

const isRevoked = async () => (await repositories.grants.get(grantId))?.revokedAt !== undefined;

describe("a refresh token that is revoked", () => {
  const store = (wrappedKey: string) =>
    repositories.refreshTokens.set(refreshTokenKey(handle, 1), {
      grantId,
      scopes: ["user"],
      issuedAt: 0,
      usableUntil: grant.expiresAt,
      expiresAt: grant.expiresAt,
      wrappedKey,
    });
  const marked = (keys: KeyRing) => markCredential(keys.derive("credential mark"), core);
  const altered = (keys: KeyRing) => `${key.wrap(keys, core).slice(0, -6)}AAAAAA`;

  it.each<[string, (keys: KeyRing) => string | undefined, string[], string[]]>([
    ["is there", (keys) => key.wrap(keys, core), ["ada-1"], []],
    ["is gone", () => undefined, [], []],
    ["was altered", altered, [], ["ERR_UNSEALABLE"]],
  ])(
    "ends its grant where its record %s, and the session upstream where that opens",
    async (_, wrap, ended, outages) => {
      const wrapped = wrap(configuration.keys);
      if (wrapped !== undefined) await store(wrapped);
      expect(await revoke("app", marked(configuration.keys))).toMatchObject({ failure: undefined, ended, outages });
      expect(await isRevoked()).toBe(true);
    },
  );

  it.each<[string, string, Partial<Grant>]>([
    ["another client's", "other", {}],
    ["another server's", "app", { resource: elsewhere }],
  ])("is left alone where it is %s", async (_, clientId, changes) => {
    await repositories.grants.set(grantId, { ...grant, ...changes });
    await store(key.wrap(configuration.keys, core));
    expect(await revoke(clientId, marked(configuration.keys))).toMatchObject({ failure: undefined, ended: [] });
    expect(await isRevoked()).toBe(false);
  });

  it.each([
    ["mark", othersSecret, undefined, "temporarily_unavailable", false],
    ["record", undefined, othersSecret, "temporarily_unavailable", false],
    ["mark and record", lostSecret, othersSecret, "temporarily_unavailable", false],
    ["record, which nobody opens any more,", undefined, lostSecret, undefined, true],
    ["mark and record, which nobody opens any more,", lostSecret, lostSecret, undefined, true],
    ["mark, which may be invented,", lostSecret, undefined, undefined, false],
  ])("with the %s of another secret", async (_, markedBy, wrappedBy, error, isEnded) => {
    const { keys } = configuration;
    await store(key.wrap(wrappedBy === undefined ? keys : await keysOf(wrappedBy), core));
    const { failure, ended } = await revoke("app", marked(markedBy === undefined ? keys : await keysOf(markedBy)));
    expect(failure).toEqual(error === undefined ? undefined : expect.objectContaining({ error }));
    expect(await isRevoked()).toBe(isEnded);
    expect(ended).toEqual([]);
  });

  it("whose mark is of another secret and whose record is gone ends nothing", async () => {
    expect(await revoke("app", marked(await keysOf(lostSecret)))).toMatchObject({ failure: undefined });
    expect(await isRevoked()).toBe(false);
  });

  it("whose grant is gone leaves nothing", async () => {
    await store(key.wrap(configuration.keys, core));
    await repositories.grants.delete(grantId);
    expect(await revoke("app", marked(configuration.keys))).toMatchObject({ failure: undefined, outages: [] });
    expect(await repositories.grants.get(grantId)).toBeUndefined();
  });

  it("is not taken for revoked by an outage", async () => {
    const outage = new Error("The test says so.");
    repositories = {
      ...repositories,
      refreshTokens: intercepted(repositories.refreshTokens, async () => {
        throw outage;
      }),
    };
    expect((await revoke("app", marked(configuration.keys))).failure).toBe(outage);
    expect(await isRevoked()).toBe(false);
  });
});

describe("an access token that is revoked", () => {
  const wrapped = () => key.grantKey.wrap(configuration.keys, accessToken);
  const record = (): AccessToken => ({
    clientId: "app",
    scopes: ["user"],
    grantId,
    expiresAt: clock.seconds(60),
    wrappedKey: wrapped(),
  });
  const store = (changes: Partial<AccessToken> = {}) =>
    repositories.accessTokens.set(accessTokenKey(accessToken), { ...record(), ...changes });
  const stored = (token = accessToken) => repositories.accessTokens.get(accessTokenKey(token));

  /** How long the record of one that ends then is kept: for as long as a slow clock may issue it again, and no more. */
  const endOfRecord = (endsAt: number) =>
    Math.ceil(endsAt + configuration.lifetimes.accessToken + configuration.instanceClockTolerance);

  it.each<[string, number, () => number]>([
    ["until no clock issues it again", 9_000, () => endOfRecord(clock.seconds(60))],
    ["for as long as its grant, where that ends before", 90, () => grant.expiresAt],
  ])("leaves a record that opens nothing, %s", async (_, grantLasts, expiresAt) => {
    grant = { ...grant, expiresAt: clock.seconds(grantLasts) };
    await repositories.grants.set(grantId, grant);
    await store();
    expect(await revoke("app", accessToken)).toMatchObject({ told: [{ clientId: "app", grantId }], ended: [] });
    expect(await stored()).toStrictEqual({
      clientId: "app",
      scopes: [],
      grantId,
      revokedAt: clock.seconds(),
      expiresAt: Math.ceil(expiresAt()),
    });
  });

  it("keeps its own time where its grant is gone", async () => {
    await repositories.grants.delete(grantId);
    await store();
    expect(await revoke("app", accessToken)).toMatchObject({
      failure: undefined,
      told: [{ clientId: "app", grantId }],
    });
    expect(await stored()).toMatchObject({ scopes: [], revokedAt: clock.seconds(), expiresAt: clock.seconds(60) });
  });

  it.each<[string, string, Partial<AccessToken>]>([
    ["another client's", "other", {}],
    ["another server's", "app", { resource: elsewhere }],
    ["revoked", "app", { revokedAt: 1 }],
  ])("is left alone where it is %s", async (_, clientId, changes) => {
    await store(changes);
    expect(await revoke(clientId, accessToken)).toMatchObject({ failure: undefined, told: [] });
    expect(await stored()).toStrictEqual({ ...record(), ...changes, wrappedKey: expect.any(String) });
  });

  it.each<[string, Partial<Grant> | undefined, boolean]>([
    ["lives", {}, true],
    ["is another client's", { clientId: "other" }, false],
    ["is another server's", { resource: elsewhere }, false],
    ["was revoked", { revokedAt: 1 }, false],
    ["is over", { expiresAt: 0 }, false],
    ["is gone", undefined, false],
  ])("and that has expired is marked where its grant %s: %j: %j", async (_, changes, isMarked) => {
    // The store's clock is behind: it has what this server takes for over.
    const grants = createInMemoryRepositories({ clock: () => -1 }).grants;
    repositories = { ...repositories, grants };
    if (changes !== undefined) await grants.set(grantId, { ...grant, ...changes });
    configuration = { ...configuration, repositories };
    expect(await revoke("app", accessToken)).toMatchObject({ failure: undefined, told: [] });
    const expiresAt = endOfRecord(clock.seconds());
    const mark = { clientId: "app", scopes: [], grantId, expiresAt, revokedAt: clock.seconds() };
    expect(await stored()).toEqual(isMarked ? mark : undefined);
  });

  it.each([true, false])(
    "and that is issued again meanwhile stays over, whether it is there yet: %j",
    async (isThere) => {
      const { accessTokens } = repositories;
      const overtaken = intercepted(accessTokens, async (run, { method }) => {
        if (method !== "add") return run();
        await accessTokens.set(accessTokenKey(accessToken), record());
        const answer = await run();
        if (!isThere) await accessTokens.delete(accessTokenKey(accessToken));
        return answer;
      });
      repositories = { ...repositories, accessTokens: overtaken };
      const told = isThere ? [{ clientId: "app", grantId }] : [];
      expect(await revoke("app", accessToken)).toMatchObject({ failure: undefined, told, ended: [] });
      const expiresAt = endOfRecord(clock.seconds(isThere ? 60 : 0));
      expect(await stored()).toEqual({ clientId: "app", scopes: [], grantId, expiresAt, revokedAt: clock.seconds() });
    },
  );

  it.each<[string, () => string | undefined, string[], string[]]>([
    ["opens", wrapped, ["ada-1"], []],
    ["was altered", () => `${wrapped().slice(0, -6)}AAAAAA`, [], ["ERR_UNSEALABLE"]],
    ["is gone", () => undefined, [], []],
  ])("ends the session upstream that its grant has left behind, where its key %s", async (_, wrap, ended, outages) => {
    await repositories.grants.set(grantId, { ...grant, revokedAt: 1 });
    const { wrappedKey: _key, ...others } = record();
    const wrappedKey = wrap();
    await repositories.accessTokens.set(accessTokenKey(accessToken), {
      ...others,
      ...(wrappedKey !== undefined && { wrappedKey }),
    });
    expect(await revoke("app", accessToken)).toMatchObject({ failure: undefined, ended, outages });
    expect(await stored()).toMatchObject({ revokedAt: clock.seconds(), scopes: [] });
    expect((await repositories.grants.get(grantId))?.sealedUpstream).toEqual(
      ended.length > 0 ? undefined : grant.sealedUpstream,
    );
  });

  it("is gone where the Python package issued it, and an unknown one leaves nothing", async () => {
    const { grantId: _, wrappedKey: __, ...plain } = record();
    await repositories.accessTokens.set(accessTokenKey(pythons), plain);
    for (const told of [[{ clientId: "app", grantId: undefined }], []]) {
      expect(await revoke("app", pythons)).toMatchObject({ failure: undefined, told });
      expect(await stored(pythons)).toBeUndefined();
    }
  });

  it("costs no read where it is none", async () => {
    const reads: string[] = [];
    const { accessTokens } = repositories;
    repositories = {
      ...repositories,
      accessTokens: intercepted(accessTokens, (run, { method }) => {
        reads.push(method);
        return run();
      }),
    };
    expect(await revoke("app", "nonsense")).toMatchObject({ failure: undefined, told: [] });
    expect(reads).toEqual([]);
  });
});
