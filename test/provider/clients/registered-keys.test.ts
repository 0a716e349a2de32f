import { afterEach, beforeEach, expect, it } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { answerTo, claimsOf, known, refused, SigningKey } from "../../support/signing-client.ts";
import { ClientSite, json } from "../client-documents/client-site.ts";

const jwks_uri = "https://client.example/keys.json";

let site: ClientSite;
let key: SigningKey;
beforeEach(async () => {
  site = await ClientSite.open();
  key = await SigningKey.generate({ kid: "one" });
});
afterEach(() => site[Symbol.asyncDispose]());

function start(options = {}): ProviderHarness {
  const settings = { ...providerOptions("https://login.example"), clock: site.clock.read, ...options };
  return new ProviderHarness(settings, site.network);
}

async function register(harness: ProviderHarness, keys: Readonly<Record<string, unknown>>) {
  const metadata = { redirect_uris: [harness.redirectUri], token_endpoint_auth_method: "private_key_jwt", ...keys };
  return jsonOf(await harness.postJson("/register", metadata));
}

async function show(harness: ProviderHarness, clientId: string) {
  return answerTo(harness, await key.sign(claimsOf(clientId, harness.baseUrl, site.clock)));
}

it("a client that registers its keys is known by what it signs, and is the same client each time", async () => {
  const harness = start();
  const jwks = { keys: [key.jwk] };
  const { client_id, client_secret } = await register(harness, { jwks });
  expect(client_secret).toBeUndefined();
  expect((await register(harness, { jwks })).client_id).toBe(client_id);
  expect(await show(harness, client_id)).toBe(known);
  key = await SigningKey.generate({ kid: "one" });
  expect(await show(harness, client_id)).toBe(refused);
});

it("a client that registers where its keys are is known by them, in a set of up to 64 KiB", async () => {
  const chain = (length: number) => ({ ...key.jwk, x5c: ["c".repeat(length)] });
  const harness = start();
  const { client_id } = await register(harness, { jwks_uri });
  site.handler = json({ keys: [{ kty: "AKP", kid: "two" }, chain(60 * 1024)] });
  expect(await show(harness, client_id)).toBe(known);
  const other = start();
  await register(other, { jwks_uri });
  site.handler = json({ keys: [chain(70 * 1024)] });
  expect(await show(other, client_id)).toBe(refused);
});

it("a client's keys are not fetched from this server's own network", async () => {
  site.answers = [["10.0.0.7"]];
  const harness = start();
  const { client_id } = await register(harness, { jwks_uri });
  expect(await show(harness, client_id)).toBe(refused);
  expect(site.connections).toEqual([]);
});

it("a server that asks no sites of clients takes the keys themselves only", async () => {
  const harness = start({ clientMetadataDocuments: { enabled: false } });
  expect(await register(harness, { jwks_uri })).toMatchObject({ error: "invalid_client_metadata" });
  const { client_id } = await register(harness, { jwks: { keys: [key.jwk] } });
  expect(await show(harness, client_id)).toBe(known);
});
