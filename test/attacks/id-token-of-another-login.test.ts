import { createHash } from "node:crypto";
import { beforeEach, expect, it } from "vitest";
import { openIdConnect, type Upstream, type UpstreamIdentity } from "../../src/index.ts";
import {
  type IdTokenChanges,
  type ScriptedOpenIdProvider,
  scriptedClient,
  scriptedOpenIdProvider,
} from "../support/scripted-openid-provider.ts";

const redirectUri = "https://mcp.example.org/oidc/callback";

let provider: ScriptedOpenIdProvider;
let upstream: Upstream;
beforeEach(async () => {
  provider = await scriptedOpenIdProvider();
  upstream = openIdConnect({ issuer: provider.issuer, ...scriptedClient, fetch: provider.fetch });
});

/** A login with this verifier. The ID token has its nonce, or what an attacker has put in its place. */
async function logIn(changes: IdTokenChanges = {}, verifier = "v".repeat(43)): Promise<UpstreamIdentity> {
  const codeChallenge = createHash("sha256").update(verifier).digest("base64url");
  const url = await upstream.authorizationUrl({ state: "state", codeChallenge, redirectUri });
  provider.nonce = url.searchParams.get("nonce");
  provider.idToken = changes;
  return upstream.identify(await upstream.exchange({ code: "code", codeVerifier: verifier, redirectUri }));
}

const refused = { code: "ERR_UPSTREAM_REJECTED", error: "server_error" };
const honest = { subject: "ada" };

it("an ID token that was issued for another login is refused by its nonce", async () => {
  expect(await logIn({}, "a".repeat(43))).toEqual(honest);
  const { nonce } = provider;
  await expect(logIn({ claims: { nonce } }, "b".repeat(43))).rejects.toMatchObject(refused);
  await expect(logIn({ lacks: "nonce" })).rejects.toMatchObject(refused);
});

it("an ID token that was issued to another application is refused by its audience", async () => {
  for (const aud of ["another", ["another", "third"]]) {
    await expect(logIn({ claims: { aud } })).rejects.toMatchObject(refused);
  }
  expect(await logIn()).toEqual(honest);
});

it("an ID token of another issuer is refused, though the keys are the same", async () => {
  for (const iss of ["https://evil.example", `${provider.issuer}/`, `${provider.issuer}/tenant`]) {
    await expect(logIn({ claims: { iss } })).rejects.toMatchObject(refused);
  }
  expect(await logIn()).toEqual(honest);
});

it.each<[string, IdTokenChanges]>([
  ["by nobody (alg none)", { algorithm: "none" }],
  ["with the client's secret (HS256)", { algorithm: "HS256" }],
  ["with the public key as a secret (HS256)", { algorithm: "HS256", hmacKey: "public key" }],
  ["with a key that the provider does not publish", { isForged: true }],
])("an ID token that is signed %s is refused", async (_, changes) => {
  await expect(logIn({ ...changes, claims: { sub: "victim" } })).rejects.toMatchObject(refused);
  expect(await logIn()).toEqual(honest);
});

it("an ID token of long ago is refused by its time", async () => {
  const now = Math.floor(Date.now() / 1_000);
  await expect(logIn({ claims: { iat: now - 7_200, exp: now - 3_600 } })).rejects.toMatchObject(refused);
  await expect(logIn({ lacks: "exp" })).rejects.toMatchObject(refused);
  expect(await logIn()).toEqual(honest);
});
