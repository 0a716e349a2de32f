import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, KeyRing, type ProviderRepositories } from "../../../src/index.ts";
import { GrantKey, StepKey } from "../../../src/provider/grants/grant-key.ts";
import {
  credentialCore,
  formatHandle,
  readAccessToken,
  readCredential,
} from "../../../src/provider/oauth/grant-credential.ts";
import { type Step, successorAccessToken } from "../../../src/provider/tokens/successor-tokens.ts";
import { TokenIssue } from "../../../src/provider/tokens/token-issue.ts";
import type { Grant } from "../../../src/records/grant.ts";
import { accessTokenKey, grantIdOf, refreshTokenKey } from "../../../src/records/keys.ts";
import { configured } from "../../support/configured.ts";
import { recordsOf } from "../../support/records-of.ts";

const now = 1_000.25;
const handle = formatHandle(new Uint8Array(16).fill(1));
const grantId = grantIdOf(handle);
const keys = KeyRing.from("a secret of this test, which is long enough");
const grant: Grant = { clientId: "app", scopes: ["user", "admin"], createdAt: 900, expiresAt: 100_000 };

function stepOf(generation: number): Step {
  const kind = generation === 0 ? "authorization_code" : "refresh_token";
  const core = credentialCore(kind, { handle, generation }, new Uint8Array(32).fill(generation));
  return { handle, generation, core, grantId, key: StepKey.create(grantId) };
}

const { lifetimes } = configured({
  accessTokenLifetimeSeconds: 60,
  refreshTokenLifetimeSeconds: 600,
  grantLifetimeSeconds: 5_000,
});
let repositories: ProviderRepositories;
let issue: TokenIssue;
let step: Step;
beforeEach(() => {
  // What was derived of a step is kept with it.
  step = stepOf(1);
  repositories = createInMemoryRepositories({ clock: () => now * 1_000 });
  issue = new TokenIssue({ instance: "this one", keys, lifetimes, repositories });
});

const issuance = (changes: Partial<Grant> = {}, at = now, of = step) => ({
  step: of,
  grant: { ...grant, ...changes },
  scopes: ["user"],
  now: at,
});

describe("the records of the tokens of a step", () => {
  it("have what their grant has, and are lacking what the grant lacks", () => {
    expect(issue.accessTokenRecord(issuance())).toStrictEqual({
      clientId: "app",
      scopes: ["user"],
      expiresAt: 1_061,
      grantId,
      wrappedKey: expect.any(String),
    });
    const resource = new URL("https://mcp.example/mcp");
    expect(issue.accessTokenRecord(issuance({ resource, subject: "ada" }))).toMatchObject({ resource, subject: "ada" });
    expect(issue.refreshTokenRecord(issuance())).toStrictEqual({
      grantId,
      scopes: ["user"],
      issuedAt: now,
      issuedBy: "this one",
      usableUntil: now + 600,
      expiresAt: 100_000,
      wrappedKey: expect.any(String),
    });
  });

  it("end with the grant: with its time, or with its record where that is sooner", () => {
    const late = 5_899;
    expect(issue.accessTokenRecord(issuance({}, late)).expiresAt).toBe(5_900);
    expect(issue.refreshTokenRecord(issuance({}, late)).usableUntil).toBe(5_900);
    expect(issue.accessTokenRecord(issuance({ expiresAt: 1_010 })).expiresAt).toBe(1_010);
    expect(issue.refreshTokenRecord(issuance({ expiresAt: 1_010 })).usableUntil).toBe(1_010);
  });

  it("name the attempt of the grant where they are its first ones", () => {
    const named = { redemption: "attempt" };
    for (const [of, changes, redemption] of [
      [stepOf(0), named, named],
      [stepOf(0), {}, {}],
      [step, named, {}],
    ] as const) {
      const {
        clientId: _,
        scopes: __,
        expiresAt: ___,
        wrappedKey: ____,
        grantId: _____,
        ...access
      } = issue.accessTokenRecord(issuance(changes, now, of));
      expect(access).toStrictEqual(redemption);
      expect(issue.refreshTokenRecord(issuance(changes, now, of)).redemption).toBe(
        changes.redemption && redemption.redemption,
      );
    }
  });

  it("hold the key of the grant, for whoever has the token", () => {
    const token = successorAccessToken(step);
    const { wrappedKey = "" } = issue.accessTokenRecord(issuance());
    expect(GrantKey.unwrap(keys, grantId, token, wrappedKey).bytes).toEqual(step.key.grantKey.bytes);
  });
});

describe("the answer with the tokens of a step", () => {
  it("has tokens of the grant, the refresh token with the next number", () => {
    const { access_token, refresh_token = "", ...others } = issue.response(issuance({}, now, stepOf(1)), now + 59.75);
    expect(others).toStrictEqual({ token_type: "Bearer", expires_in: 59, scope: "user" });
    expect(readAccessToken(access_token)).toEqual({ handle });
    const read = readCredential(keys.derive("credential mark"), "refresh_token", refresh_token);
    expect(read).toMatchObject({ handle, generation: 2 });
    expect(access_token).not.toContain(refresh_token.slice(36, 79));
  });

  it("joins scopes by spaces, and says of a token that is over that it lasts no time", () => {
    const answer = issue.response({ ...issuance(), scopes: ["user", "admin"] }, now - 10);
    expect(answer).toMatchObject({ scope: "user admin", expires_in: 0 });
  });

  it("names offline_access where the person has allowed it, as no scope of a token", () => {
    expect(issue.response(issuance({ offlineAccess: true }), now).scope).toBe("user offline_access");
    expect(issue.accessTokenRecord(issuance({ offlineAccess: true })).scopes).toEqual(["user"]);
  });

  it("has no refresh token where the client may not have one", () => {
    expect(issue.response(issuance(), now, false)).not.toHaveProperty("refresh_token");
  });
});

describe("the access token of a refresh that is repeated", () => {
  it.each([
    ["at once", 0, 1_060.25],
    ["as long as an access token lives", 59.75, 1_060.25],
    ["when the first one has ended", 60, 1_120.25],
    ["long after that", 200, 1_240.25],
    ["by a clock that is behind", -100, 1_060.25],
  ])("is the same one until the one before would have ended, %s", (_, later, until) => {
    expect(issue.reissuedUntil(now, now + later)).toBe(until);
  });

  it("is another one after that, which its record, its key and its answer agree on", async () => {
    const tokens = new Set<string>();
    for (const reissuedUntil of [undefined, 1_060.25, 1_120.25]) {
      const repeated = { ...issuance(), ...(reissuedUntil !== undefined && { reissuedUntil }) };
      expect(await issue.findAccessToken(repeated)).toBeUndefined();
      const record = issue.accessTokenRecord(repeated);
      expect(await issue.addAccessToken(repeated, record)).toEqual({ isFirst: true, stored: record });
      expect(await issue.findAccessToken(repeated)).toEqual(record);
      const { access_token: token } = issue.response(repeated, now);
      expect(await repositories.accessTokens.get(accessTokenKey(token))).toEqual(record);
      expect(GrantKey.unwrap(keys, grantId, token, record.wrappedKey ?? "").bytes).toEqual(step.key.grantKey.bytes);
      tokens.add(token);
    }
    expect(tokens.size).toBe(3);
  });
});

it("a token of a step that is added a second time stays what it was", async () => {
  const record = issue.refreshTokenRecord(issuance());
  expect(await issue.addRefreshToken(step, record)).toEqual({ isFirst: true, stored: record });
  const second = { ...record, scopes: ["admin"] };
  expect(await issue.addRefreshToken(step, second)).toEqual({ isFirst: false, stored: record });
  expect(await recordsOf(repositories.refreshTokens)).toEqual([[refreshTokenKey(handle, 2), record]]);
  const access = issue.accessTokenRecord(issuance());
  expect(await issue.findAccessToken({ step })).toBeUndefined();
  expect(await issue.addAccessToken({ step }, access)).toEqual({ isFirst: true, stored: access });
  expect(await issue.addAccessToken({ step }, { ...access, scopes: [] })).toEqual({ isFirst: false, stored: access });
  expect(await issue.findAccessToken({ step })).toEqual(access);
  expect(await recordsOf(repositories.accessTokens)).toEqual([[accessTokenKey(successorAccessToken(step)), access]]);
});
