import { describe, expect, it } from "vitest";
import { copyRepositories, createInMemoryRepositories, type ProviderRecords } from "../../src/index.ts";
import { copyOrder } from "../../src/records/copy-repositories.ts";
import { outlasting } from "../../src/records/outlasting.ts";
import { keyOf, writeRecords } from "../support/provider-state.ts";

const expiresAt = 4_000_000_000;
const grant = { clientId: "a", scopes: ["user"], createdAt: 1, expiresAt };
const accessToken = { clientId: "a", scopes: ["user"], grantId: "g", expiresAt };
const refreshToken = { grantId: "g", scopes: ["user"], issuedAt: 1, usableUntil: 9, expiresAt, wrappedKey: "k" };

/** A record of each kind that says that something is over, and one from before. */
const ends = {
  grants: [{ ...grant, scopes: [], revokedAt: 2 }, grant],
  accessTokens: [{ ...accessToken, scopes: [], revokedAt: 2 }, accessToken],
  refreshTokens: [{ ...refreshToken, expiresAt: expiresAt - 100 }, refreshToken],
  clientAssertions: [
    { clientId: "a", expiresAt },
    { clientId: "a", expiresAt: expiresAt - 1 },
  ],
  consentRevocations: [
    { revokedAt: 2, expiresAt },
    { revokedAt: 1, expiresAt },
  ],
} satisfies { [Name in keyof ProviderRecords]?: [ProviderRecords[Name], ProviderRecords[Name]] };

describe.each(["grants", "accessTokens", "refreshTokens", "clientAssertions", "consentRevocations"] as const)(
  "what is over of %s",
  (kind) => {
    const [over, before] = ends[kind];
    const storesWith = async (inSource: object | undefined, inTarget: object) => {
      const [from, to] = [createInMemoryRepositories(), createInMemoryRepositories()];
      await writeRecords(from, "clients", { count: 1, expiresAt });
      const repository: { set(key: string, value: object): Promise<void> } = Object(from[kind]);
      if (inSource !== undefined) await repository.set("k", inSource);
      await Object(to[kind]).set("k", inTarget);
      return { from, to };
    };

    it("does not give way to a record from before, nor to none", async () => {
      for (const given of [before, undefined]) {
        const { from, to } = await storesWith(given, over);
        const reports = await copyRepositories(from, to, { removeMissing: true });
        expect(await to[kind].get("k")).toEqual(over);
        expect(reports[kind]).toMatchObject({ written: 0, removed: 0 });
      }
    });

    it("takes the place of a record from before", async () => {
      const { from, to } = await storesWith(over, before);
      await copyRepositories(from, to);
      expect(await to[kind].get("k")).toEqual(over);
    });
  },
);

describe("a source that is empty", () => {
  it.each(copyOrder)("is no reason to empty a target, but for what comes and goes: %s alone", async (kind) => {
    const [from, to] = [createInMemoryRepositories(), createInMemoryRepositories()];
    await writeRecords(from, kind, { count: 1, expiresAt });
    await writeRecords(to, "clients", { count: 3, first: 7, expiresAt });
    const copying = copyRepositories(from, to, { removeMissing: true });
    const isUsed = ["grants", "clients", "refreshTokens", "accessTokens"].includes(kind);
    if (isUsed) await expect(copying).resolves.toMatchObject({ clients: { removed: 3 } });
    else await expect(copying).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    expect((await to.clients.get(keyOf("clients", 7))) === undefined).toBe(isUsed);
    await copyRepositories(from, to, { removeMissing: true, allowEmptySource: true });
    expect(await to.clients.get(keyOf("clients", 7))).toBeUndefined();
  });
});

describe("a record of the target outlasts the source's", () => {
  const outlasts = (kind: keyof typeof outlasting, present: object, given?: object): unknown =>
    Object(outlasting)[kind](present, given);
  const used = (usedAt: number) => ({ usedAt, expiresAt });
  const until = (time: number) => ({ clientId: "a", expiresAt: time });

  it.each<[string, keyof typeof outlasting, object, object | undefined, boolean]>([
    ["where it alone was revoked", "grants", { ...grant, revokedAt: 2 }, grant, true],
    ["not where both were revoked", "grants", { ...grant, revokedAt: 2 }, { ...grant, revokedAt: 1 }, false],
    ["where it was revoked and the source has none", "accessTokens", { ...accessToken, revokedAt: 2 }, undefined, true],
    ["not where neither was revoked", "accessTokens", accessToken, accessToken, false],
    ["where its assertion may be used for longer", "clientAssertions", until(2), until(1), true],
    ["not where both assertions end at once", "clientAssertions", until(2), until(2), false],
    [
      "not where consent was revoked at once in both",
      "consentRevocations",
      { revokedAt: 2, expiresAt },
      { revokedAt: 2, expiresAt },
      false,
    ],
    ["where the grant was used later", "grantUses", used(2), used(1), true],
    ["not where the grant was used at once in both", "grantUses", used(2), used(2), false],
    ["not where the source knows of no use", "grantUses", used(2), undefined, false],
    ["where a key was announced for longer", "keyAnnouncements", until(2), until(1), true],
    ["not where a key was announced for as long", "keyAnnouncements", until(2), until(2), false],
    ["not where the source has no announcement", "keyAnnouncements", until(2), undefined, false],
  ])("%s (%s)", (_, kind, present, given, expected) => {
    expect(outlasts(kind, present, given)).toBe(expected);
  });

  it.each([
    "authorizationCodes",
    "clients",
    "upstreamSessions",
    "upstreamRevocations",
    "locks",
    "accountSessions",
  ] as const)("never, of %s", (kind) => {
    for (const given of [undefined, until(1)]) expect(outlasts(kind, until(2), given)).toBe(false);
  });
});
