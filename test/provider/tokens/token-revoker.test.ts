import { randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  cacheRepositories,
  createInMemoryRepositories,
  type ProviderRepositories,
  type Repository,
  StorageNotReplicatedError,
} from "../../../src/index.ts";
import { formatAccessToken, readAccessToken } from "../../../src/provider/oauth/grant-credential.ts";
import type { AccessToken } from "../../../src/records/access-token.ts";
import { accessTokenKey } from "../../../src/records/keys.ts";
import { intercepted, recordedRepositories } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

let clock: ManualClock;
let repositories: ProviderRepositories;
let harness: ProviderHarness;
let told: unknown[];
const channels = ["token-revoked", "reuse-detected"].map((name) => `pangea-authn-fastmcp:${name}`);
const listen = (event: unknown) => void told.push(event);
beforeEach(() => {
  clock = new ManualClock();
  repositories = createInMemoryRepositories({ clock: clock.read });
  harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), clock: clock.read, repositories });
  told = [];
  for (const channel of channels) subscribe(channel, listen);
});
afterEach(() => {
  for (const channel of channels) unsubscribe(channel, listen);
});

const revoke = async (clientId: string, token: string) =>
  expect((await harness.postForm("/revoke", { client_id: clientId, token })).status).toBe(200);
const stored = (token: string) => repositories.accessTokens.get(accessTokenKey(token));

describe("an access token that its client revokes", () => {
  it("leaves a record without its key and scopes, for as long as it could be issued again, and is told of once", async () => {
    const tokens = await harness.tokens();
    const { wrappedKey, expiresAt = Number.NaN, ...record } = (await stored(tokens.access_token)) ?? {};
    expect(wrappedKey).toBeDefined();
    const [[grantId] = []] = await recordsOf(repositories.grants);
    for (let times = 0; times < 2; times += 1) {
      await revoke(tokens.clientId, tokens.access_token);
      expect(await stored(tokens.access_token)).toEqual({
        ...record,
        scopes: [],
        revokedAt: expect.any(Number),
        // Its own hour, the hour of what a slow request may add, and two minutes for clocks.
        expiresAt: expiresAt + 3_600 + 120,
      });
      clock.advanceSeconds(5);
    }
    expect((await stored(tokens.access_token))?.revokedAt).toBe(clock.seconds(-10));
    expect(told).toEqual([{ clientId: tokens.clientId, grantId }]);
  });

  describe("where it had expired", () => {
    /** An instance whose clock is behind, for which the token is not over. The store's clock is right. */
    const slowly = (seconds: number, changes: Partial<ProviderRepositories> = {}) =>
      new ProviderHarness({
        ...providerOptions(emulator.issuerUrl),
        clock: () => clock.read() - seconds * 1_000,
        repositories: { ...repositories, ...changes },
      });

    it.each([0, 20, 120])("stays revoked when a refresh is repeated by a clock that is %i s behind", async (behind) => {
      const first = await harness.tokens();
      const second = { ...first, ...(await jsonOf(await harness.refresh(first))) };
      clock.advanceSeconds(3_601);
      await revoke(first.clientId, second.access_token);
      await slowly(behind).refresh(first);
      expect(await harness.mcpStatus(second.access_token)).toBe(401);
      clock.advanceSeconds(3_600);
      await slowly(behind).refresh(first);
      expect(await harness.mcpStatus(second.access_token)).toBe(401);
    });

    it.each(["before the revocation has added anything", "and ends before the revocation reads it"])(
      "stays revoked when a refresh issues it again %s",
      async (when) => {
        const first = await harness.tokens();
        const second = { ...first, ...(await jsonOf(await harness.refresh(first))) };
        clock.advanceSeconds(3_601);
        const key = accessTokenKey(second.access_token);
        const accessTokens = intercepted(repositories.accessTokens, async (run, { method }) => {
          if (method !== "add") return run();
          await slowly(20).refresh(first);
          expect(await harness.mcpStatus(second.access_token)).toBe(200);
          const answer = await run();
          if (when.startsWith("and ends")) await repositories.accessTokens.delete(key);
          return answer;
        });
        const { status } = await slowly(0, { accessTokens }).postForm("/revoke", {
          client_id: first.clientId,
          token: second.access_token,
        });
        expect(status).toBe(200);
        await slowly(20).refresh(first);
        expect(await harness.mcpStatus(second.access_token)).toBe(401);
      },
    );

    it("leaves a record for no longer than it could be issued again, so that invented ones fill no store", async () => {
      const tokens = await harness.tokens();
      const { handle = "" } = readAccessToken(tokens.access_token) ?? {};
      for (let count = 0; count < 20; count += 1) {
        await revoke(tokens.clientId, formatAccessToken(handle, randomBytes(32)));
      }
      expect(await recordsOf(repositories.accessTokens)).toHaveLength(21);
      clock.advanceSeconds(3_600 + 120);
      expect(await recordsOf(repositories.accessTokens)).toEqual([]);
      expect((await harness.refresh(tokens)).status).toBe(200);
    });
  });

  it("is left alone where it is another client's", async () => {
    const [tokens, { client_id }] = [await harness.tokens(), await harness.register()];
    await revoke(client_id, tokens.access_token);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    expect(told).toEqual([]);
  });

  it("is gone at once where the Python package issued it, and only by its own client", async () => {
    const [{ client_id: own }, { client_id: other }] = [await harness.register(), await harness.register()];
    const token = `mcp_${"0f".repeat(32)}`;
    const record: AccessToken = { clientId: own, scopes: ["user"], expiresAt: clock.seconds(60) };
    await repositories.accessTokens.set(accessTokenKey(token), record);
    await revoke(other, token);
    expect(await stored(token)).toEqual(record);
    expect(told).toEqual([]);
    await revoke(own, token);
    expect(await recordsOf(repositories.accessTokens)).toEqual([]);
    expect(told).toEqual([{ clientId: own, grantId: undefined }]);
  });

  it("keeps its own time where its grant is gone", async () => {
    const tokens = await harness.tokens();
    const { expiresAt } = (await stored(tokens.access_token)) ?? {};
    for (const [id] of await recordsOf(repositories.grants)) await repositories.grants.delete(id);
    await revoke(tokens.clientId, tokens.access_token);
    expect((await stored(tokens.access_token))?.expiresAt).toBe(expiresAt);
  });
});

describe("a token that its client revokes, and that the store has lost", () => {
  it("is no failure of the server", async () => {
    const tokens = await harness.tokens();
    await repositories.accessTokens.delete(accessTokenKey(tokens.access_token));
    await revoke(tokens.clientId, tokens.access_token);
    for (const [id] of await recordsOf(repositories.grants)) await repositories.grants.delete(id);
    await revoke(tokens.clientId, tokens.refresh_token);
    expect(told).toEqual([]);
  });

  it("is not looked for where it is none", async () => {
    const { repositories: recorded, calls } = recordedRepositories();
    harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories: recorded });
    const { client_id } = await harness.register();
    calls.length = 0;
    await revoke(client_id, "nonsense");
    expect(calls).toEqual(["client get"]);
  });

  it.each(["altered", "gone", "there"])(
    "ends its login where its keys are %s, and tells of those that are altered",
    async (keys) => {
      const tokens = await harness.tokens();
      const [[key, record] = []] = await recordsOf(repositories.refreshTokens);
      if (key === undefined || record === undefined) throw new Error("It is stored.");
      const wrappedKey = `${record.wrappedKey.slice(0, -6)}AAAAAA`;
      if (keys === "altered") await repositories.refreshTokens.set(key, { ...record, wrappedKey });
      if (keys === "gone") await repositories.refreshTokens.delete(key);
      const outages: unknown[] = [];
      const note = (event: unknown) => void outages.push(event);
      subscribe("pangea-authn-fastmcp:outage", note);
      await revoke(tokens.clientId, tokens.refresh_token);
      unsubscribe("pangea-authn-fastmcp:outage", note);
      expect(outages).toEqual(keys === "altered" ? [expect.objectContaining({ code: "ERR_UNSEALABLE" })] : []);
      expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    },
  );
});

describe("a credential that is used again after it ended its login", () => {
  it.each(["its code", "a refresh token"])("is told of once: %s", async (what) => {
    const tokens = await harness.tokens();
    const repeat = async () => {
      if (what === "its code") return harness.redeem(tokens);
      return harness.refresh(tokens);
    };
    if (what === "a refresh token") {
      await harness.refresh({ ...tokens, ...(await jsonOf(await harness.refresh(tokens))) });
      clock.advanceSeconds(601);
    }
    for (let times = 0; times < 3; times += 1) {
      const answer = await repeat();
      expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "invalid_grant"]);
    }
    const [[grantId] = []] = await recordsOf(repositories.grants);
    const credential = what === "its code" ? "authorization_code" : "refresh_token";
    expect(told).toEqual([{ clientId: tokens.clientId, grantId, credential }]);
  });
});

it("an access token that another instance has revoked is not answered again, whatever a cache remembers", async () => {
  const cached = () =>
    new ProviderHarness({
      ...providerOptions(emulator.issuerUrl),
      clock: clock.read,
      repositories: cacheRepositories(repositories, { maxStaleness: 5_000, clock: clock.read }),
    });
  const [one, other] = [cached(), cached()];
  const first = await one.tokens();
  const { access_token: token } = await jsonOf(await one.refresh(first));
  expect((await other.postForm("/revoke", { client_id: first.clientId, token })).status).toBe(200);
  expect((await one.refresh(first)).status).toBe(400);
});

describe("a revocation while the replicas are away that the operator waits for", () => {
  it.each(["access_token", "refresh_token"] as const)(
    "of %s fails until they are back, however often it is repeated",
    async (kind) => {
      const tokens = await harness.tokens();
      let isAway = true;
      const confirmed = <V>(repository: Repository<string, V>) =>
        intercepted(repository, async (run, { method }) => {
          const answer = await run();
          if (isAway && method === "set") throw new StorageNotReplicatedError("No replica.", { replicas: 0 });
          return answer;
        });
      const replicated = {
        ...repositories,
        grants: confirmed(repositories.grants),
        accessTokens: confirmed(repositories.accessTokens),
      };
      const options = { ...providerOptions(emulator.issuerUrl), clock: clock.read, repositories: replicated };
      const instance = new ProviderHarness({ ...options, logger: false });
      const status = async () =>
        (await instance.postForm("/revoke", { client_id: tokens.clientId, token: tokens[kind] })).status;
      for (let times = 0; times < 4; times += 1) expect(await status()).toBe(503);
      isAway = false;
      expect(await status()).toBe(200);
      expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    },
  );
});
