import { beforeEach, expect, it } from "vitest";
import { createInMemoryRepositories, KeyRing, type ProviderRepositories, UnsealableError } from "../../src/index.ts";
import { GrantKey } from "../../src/provider/grants/grant-key.ts";
import { jsonOf } from "../support/json-of.ts";
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
async function dump(): Promise<{ repository: keyof ProviderRepositories; key: string; value: unknown }[]> {
  const all = [];
  for (const repository of ["accessTokens", "authorizationCodes", "refreshTokens", "clients", "grants"] as const) {
    for (const [key, value] of await recordsOf<unknown>(victims[repository])) all.push({ repository, key, value });
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
  const keys = KeyRing.from(secret);
  const grants = records.filter(({ repository }) => repository === "grants").map(({ key }) => key);
  const wrapped = new Set(records.flatMap(({ value }) => textsNamed("wrappedKey", value)));
  expect(wrapped.size).toBeGreaterThan(2);
  const candidates = new Set([...stringsIn(records), ""]);
  for (const grantId of grants) {
    for (const key of wrapped) {
      for (const candidate of candidates) {
        expect(() => GrantKey.unwrap(keys, grantId, candidate, key)).toThrow(UnsealableError);
      }
    }
  }
});

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
