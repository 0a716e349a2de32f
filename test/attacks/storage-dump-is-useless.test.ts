import { beforeEach, expect, it } from "vitest";
import {
  createInMemoryRepositories,
  KeyRing,
  type ProviderRepositories,
  type Repository,
  UnsealableError,
} from "../../src/index.ts";
import { GrantKey, StepKey } from "../../src/provider/grants/grant-key.ts";
import { successorAccessToken, successorRefreshCore } from "../../src/provider/tokens/successor-tokens.ts";
import { grantIdOf, refreshTokenKey } from "../../src/records/keys.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { type IssuedTokens, ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { recordsOf } from "../support/records-of.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

const secret = "the secret that every instance is configured with";

let victims: ProviderRepositories;
let harness: ProviderHarness;
let tokens: IssuedTokens;
let upstream: string;
beforeEach(async () => {
  victims = createInMemoryRepositories();
  harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories: victims, secret });
  const { client_id } = await harness.register({ token_endpoint_auth_method: "none" });
  const first = await harness.tokensFor(client_id);
  tokens = { ...first, ...(await jsonOf(await harness.refresh(first))) };
  upstream = (await harness.provider.pangeaToken({ token: tokens.access_token })).token;
  await harness.codeFor(client_id);
});

/** Everything that is stored, as somebody sees it who has copied the store. */
async function dump(): Promise<{ repository: string; key: string; value: unknown }[]> {
  const all = [];
  for (const [repository, records] of Object.entries<Repository<string, unknown>>(victims)) {
    for (const [key, value] of await recordsOf(records)) all.push({ repository, key, value });
  }
  return all;
}

/** Every string in a dump, at any depth. */
function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (value instanceof URL) return [value.href];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...stringsIn(inner)]);
}

/** The members of this name in a record. */
function textsNamed(name: string, value: unknown): string[] {
  return Object.entries(value ?? {}).flatMap(([member, text]) => (member === name ? [String(text)] : []));
}

/** Whether a credential opens a wrapped key, be it an access token's or that of a step. */
function isOpenedBy(keys: KeyRing, grantId: string, credential: string, wrapped: string): boolean {
  return [GrantKey.unwrap, StepKey.unwrap].some((unwrap) => {
    try {
      unwrap(keys, grantId, credential, wrapped);
      return true;
    } catch (failure) {
      if (!(failure instanceof UnsealableError)) throw failure;
      return false;
    }
  });
}

it("it has no token, code, verifier, client secret or Pangea token in it, in no encoding", async () => {
  const confidential = await harness.register({ token_endpoint_auth_method: "client_secret_post" });
  const text = stringsIn(await dump()).join("\n");
  expect(text.length).toBeGreaterThan(1000);
  const secrets = [
    tokens.access_token,
    tokens.refresh_token,
    tokens.code,
    tokens.verifier,
    confidential.client_secret ?? "",
    upstream,
    secret,
    providerOptions(emulator.issuerUrl).pangeaAuthnClientSecret,
  ];
  for (const value of secrets) {
    expect(value.length).toBeGreaterThan(16);
    for (const encoding of ["utf8", "base64", "base64url", "hex"] as const) {
      expect(text).not.toContain(Buffer.from(value).toString(encoding).replace(/=+$/, ""));
    }
  }
  expect(text).not.toMatch(/pmcp_(at|rt|ac|cs)_|pt[urs]_\w{8}/);
});

it("no key or value in it is taken for a token, a code or a refresh token", async () => {
  for (const candidate of new Set(stringsIn(await dump()))) {
    const bearer = candidate.replace(/^sha256-/, "");
    if (/^[\x21-\x7e]+$/.test(candidate)) {
      expect(await harness.mcpStatus(candidate)).not.toBe(200);
      expect(await harness.mcpStatus(bearer)).not.toBe(200);
    }
    expect((await harness.refresh({ ...tokens, refresh_token: candidate })).status).toBe(400);
    expect((await harness.redeem({ ...tokens, code: candidate })).status).toBe(400);
  }
  expect(await harness.mcpStatus(tokens.access_token), "the login is none the worse for it").toBe(200);
});

it("a client's secret cannot be shown from its stored digest", async () => {
  const confidential = await harness.register({ token_endpoint_auth_method: "client_secret_post" });
  const stored = stringsIn((await dump()).filter(({ repository }) => repository === "clients"));
  for (const client_secret of stored) {
    const form = { grant_type: "refresh_token", refresh_token: "x", client_id: confidential.client_id, client_secret };
    expect((await harness.postForm("/token", form)).status).toBe(401);
  }
});

it("with a live token but without the configured secret, a copy of the store gives no Pangea token", async () => {
  const thief = new ProviderHarness({
    ...providerOptions(emulator.issuerUrl),
    repositories: victims,
    secret: "a secret that the thief has made up for the occasion",
  });
  await expect(thief.provider.pangeaToken({ token: tokens.access_token })).rejects.toThrow();
  expect((await harness.provider.pangeaToken({ token: tokens.access_token })).token).toBe(upstream);
});

it("with the configured secret but without a live token, a copy of the store gives no Pangea token", async () => {
  const records = await dump();
  const thief = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories: victims, secret });
  for (const token of new Set(stringsIn(records))) {
    await expect(thief.provider.pangeaToken({ token })).rejects.toMatchObject({ error: "invalid_token" });
  }
});

it("no wrapped key in it opens with anything that is in it, the configured secret at hand", async () => {
  const records = await dump();
  const keys = KeyRing.from(secret, { context: harness.provider.issuer });
  const grants = records.filter(({ repository }) => repository === "grants").map(({ key }) => key);
  const wrapped = new Set(records.flatMap(({ value }) => textsNamed("wrappedKey", value)));
  expect(wrapped.size).toBeGreaterThan(2);
  const candidates = new Set([...stringsIn(records), ""]);
  // With a credential that is alive they do open, so what is tried below could work.
  const { refresh_token, access_token } = tokens;
  const opens = (credential: string) =>
    grants.flatMap((grantId) => [...wrapped].filter((key) => isOpenedBy(keys, grantId, credential, key)));
  expect(opens(access_token)).toHaveLength(1);
  expect(opens(refresh_token.slice(0, -31))).toHaveLength(1);
  for (const grantId of grants) {
    for (const key of wrapped) {
      for (const candidate of candidates) {
        expect(isOpenedBy(keys, grantId, candidate, key)).toBe(false);
      }
    }
  }
});

it("what is spent opens nothing either, with the store and the secret at hand", async () => {
  const clock = new ManualClock();
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const server = new ProviderHarness({
    ...providerOptions(emulator.issuerUrl),
    repositories,
    secret,
    clock: clock.read,
  });
  const chain = [await server.tokens()];
  for (const last of chain) {
    if (chain.length < 5) chain.push({ ...last, ...(await jsonOf(await server.refresh(last))) });
  }
  clock.advanceSeconds(2 * 3600);
  const keys = KeyRing.from(secret, { context: server.provider.issuer });
  const wrapped: string[] = [];
  for (const records of Object.values<Repository<string, unknown>>(repositories)) {
    for (const [, value] of await recordsOf(records)) wrapped.push(...textsNamed("wrappedKey", value));
  }
  const [[grantId = ""] = []] = await recordsOf(repositories.grants);
  const [code = "", ...issued] = [chain[0]?.code, ...chain.map(({ refresh_token }) => refresh_token)];
  const opened = [code, ...issued].map((credential) =>
    wrapped.some((key) => isOpenedBy(keys, grantId, (credential ?? "").slice(0, -31), key)),
  );
  // The last refresh token is unused, so the one before it is good for its answer.
  expect(opened).toEqual([false, false, false, false, true, true]);
  for (const { access_token } of chain) {
    expect(wrapped.some((key) => isOpenedBy(keys, grantId, access_token, key))).toBe(false);
  }
});

it("what a spent token opened while it was good tells nothing of the tokens after its successor", async () => {
  const keys = KeyRing.from(secret, { context: harness.provider.issuer });
  const { client_id } = await harness.register();
  const first = await harness.tokensFor(client_id);
  const [grantId, stolen] = await stepOf(victims, keys, first.refresh_token);
  const second = { ...first, ...(await jsonOf(await harness.refresh(first))) };
  const third = { ...second, ...(await jsonOf(await harness.refresh(second))) };
  const step = (core: string, generation: number) => ({
    handle: handleOf(core),
    generation,
    core,
    grantId,
    key: stolen,
  });
  const successor = successorRefreshCore(step(unmarked(first.refresh_token), 1));
  expect(successor, "the answer to the stolen token itself").toBe(unmarked(second.refresh_token));
  expect(successorRefreshCore(step(successor, 2))).not.toBe(unmarked(third.refresh_token));
  expect(successorAccessToken(step(successor, 2))).not.toBe(third.access_token);
});

const unmarked = (token: string): string => token.slice(0, -31);
const handleOf = (token: string): string => token.slice(8, 30);

/** What a refresh token opens, for somebody who has copied the store and knows the secret. */
async function stepOf(store: ProviderRepositories, keys: KeyRing, token: string): Promise<[string, StepKey]> {
  const grantId = grantIdOf(handleOf(token));
  const record = await store.refreshTokens.get(refreshTokenKey(handleOf(token), Number(token.slice(30, 36))));
  return [grantId, StepKey.unwrap(keys, grantId, unmarked(token), record?.wrappedKey ?? "")];
}

it("a writer of the store cannot move one user's Pangea session under another user's token", async () => {
  const { client_id } = await harness.register();
  const mallorys = await harness.tokensFor(client_id);
  const grants = await recordsOf(victims.grants);
  const of = (clientId: string) =>
    grants.find(([, grant]) => grant.clientId === clientId && grant.sealedUpstream !== undefined);
  const [adasKey, adas] = of(tokens.clientId) ?? [];
  const [mallorysKey, mallory] = of(client_id) ?? [];
  if (
    adas?.sealedUpstream === undefined ||
    mallory === undefined ||
    mallorysKey === undefined ||
    adasKey === undefined
  ) {
    throw new Error("A grant is not there");
  }
  await victims.grants.set(mallorysKey, { ...mallory, sealedUpstream: adas.sealedUpstream });
  await expect(harness.provider.pangeaToken({ token: mallorys.access_token })).rejects.toThrow();
  await victims.grants.set(mallorysKey, adas);
  await expect(harness.provider.pangeaToken({ token: mallorys.access_token })).rejects.toThrow();
});
