import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { ConfigurationError, createInMemoryRepositories, type PangeaOAuthProviderOptions } from "../../../src/index.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { setUp } from "../../support/set-up.ts";
import { useEmulator } from "../../support/use-emulator.ts";
import { ClientSite, clientId, documentWith, json } from "../client-documents/client-site.ts";

const redirectUri = "https://client.example/callback";
/** Claims in place of the usual ones; undefined leaves one out. */
type Claims = Readonly<Record<string, string | number | undefined>>;
const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const issuer = "http://localhost:8000";

let site: ClientSite;
const emulator = useEmulator();
setUp("test", async (parts) => {
  site = parts.use(await ClientSite.open());
  site.handler = json(document());
});

const document = (members: Record<string, unknown> = {}) =>
  documentWith({ grant_types: ["authorization_code", "refresh_token"], scope: "user", ...members });

const start = (options: Partial<PangeaOAuthProviderOptions> = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), clock: site.clock.read, ...options }, site.network);

/** Logs in and leaves the code to be redeemed. */
async function codeFor(harness: ProviderHarness, scope = "user"): Promise<{ code: string; code_verifier: string }> {
  const { verifier, challenge } = pkce();
  const parameters = { client_id: clientId, redirect_uri: redirectUri, scope, code_challenge: challenge };
  const redirect = await harness.logIn(parameters);
  return { code: redirect.searchParams.get("code") ?? "", code_verifier: verifier };
}

const redeem = (harness: ProviderHarness, code: { code: string; code_verifier: string }, authentication = {}) =>
  harness.postForm("/token", {
    grant_type: "authorization_code",
    client_id: clientId,
    redirect_uri: redirectUri,
    ...code,
    ...authentication,
  });

describe("a client with a metadata document", () => {
  it("gets through login, token and refresh without a registration", async () => {
    const harness = start();
    const issued = await jsonOf(await redeem(harness, await codeFor(harness)));
    expect(await harness.mcpStatus(issued.access_token)).toBe(200);

    const form = { grant_type: "refresh_token", client_id: clientId, refresh_token: issued.refresh_token };
    const renewed = await jsonOf(await harness.postForm("/token", form));
    expect(await harness.mcpStatus(renewed.access_token)).toBe(200);
    expect(site.requests).toHaveLength(1);
  });

  it.each([
    ["authorization_code", { grant_types: ["authorization_code"] }],
    ["no grant types", { grant_types: undefined }],
  ])("whose document lists %s gets refresh tokens where it asks for offline_access", async (_, members) => {
    site.handler = json(document(members));
    const harness = start();
    const without = await jsonOf(await redeem(harness, await codeFor(harness)));
    expect([without.scope, without.refresh_token]).toEqual(["user", undefined]);

    let tokens = await jsonOf(await redeem(harness, await codeFor(harness, "user offline_access")));
    for (let round = 0; round < 2; round += 1) {
      expect(tokens.scope).toBe("user offline_access");
      const answer = await harness.refresh({ clientId, refresh_token: tokens.refresh_token });
      expect(answer.status).toBe(200);
      tokens = await jsonOf(answer);
    }
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  });

  it("is asked about with the domain that vouches for it", async () => {
    const { challenge } = pkce();
    const parameters = { client_id: clientId, redirect_uri: redirectUri, code_challenge: challenge };
    const { html } = await start().openConsentPage(parameters);
    expect(html).toContain("client.example");
    expect(html).not.toMatch(/unverified/i);
  });

  it("may only use the redirect URIs of its document", async () => {
    const { challenge } = pkce();
    const parameters = { client_id: clientId, redirect_uri: "https://evil.example/cb", code_challenge: challenge };
    const harness = start();
    const response = await harness.get(harness.authorizePath(parameters));
    expect(response.status).toBe(400);
    expect(response.headers.get("location")).toBeNull();
  });

  it("is asked about again when its document sends the answer somewhere else", async () => {
    const harness = start({ clientMetadataDocuments: { minFreshSeconds: 0 } });
    const { challenge } = pkce();
    const parameters = { client_id: clientId, redirect_uri: redirectUri, code_challenge: challenge };
    const login = await harness.beginLogin(parameters);
    const { cookie } = await harness.followCallback(await harness.logInUpstream(login.location), login.cookie);
    expect((await harness.get(harness.authorizePath(parameters), { cookie })).status).toBe(302);

    site.handler = json(document({ redirect_uris: ["https://new.client.example/callback"] }));
    const moved = { ...parameters, redirect_uri: "https://new.client.example/callback" };
    expect((await harness.get(harness.authorizePath(moved), { cookie })).status).toBe(200);
    expect((await harness.get(harness.authorizePath(parameters), { cookie })).status).toBe(400);
  });

  it("goes on while its site is out of service, or takes this server for a robot", async () => {
    const harness = start({ clientMetadataDocuments: { minFreshSeconds: 0 } });
    let issued = await jsonOf(await redeem(harness, await codeFor(harness)));
    for (const status of [403, 503]) {
      site.handler = (_request, response) => response.writeHead(status).end();
      const form = { grant_type: "refresh_token", client_id: clientId, refresh_token: issued.refresh_token };
      const answer = await harness.postForm("/token", form);
      expect(answer.status).toBe(200);
      issued = await jsonOf(answer);
    }
  });

  it("is told to come back while its site is out of service for long, and loses no token", async () => {
    const harness = start({ clientMetadataDocuments: { minFreshSeconds: 0, maxStaleSeconds: 0 } });
    const issued = await jsonOf(await redeem(harness, await codeFor(harness)));
    site.handler = (_request, response) => response.writeHead(503).end();
    const form = { grant_type: "refresh_token", client_id: clientId, refresh_token: issued.refresh_token };

    const response = await harness.postForm("/token", form);
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    expect((await jsonOf(response)).error).toBe("temporarily_unavailable");
    expect(await harness.mcpStatus(issued.access_token)).toBe(200);

    site.handler = json(document());
    expect((await harness.postForm("/token", form)).status).toBe(200);
  });

  it("is not known where its domain is not trusted, or documents are switched off", async () => {
    for (const options of [{ allowedDomains: ["other.example"] }, { enabled: false }]) {
      const harness = start({ clientMetadataDocuments: options });
      const response = await harness.get(
        harness.authorizePath({ client_id: clientId, redirect_uri: redirectUri, code_challenge: pkce().challenge }),
      );
      expect(response.status).toBe(400);
      expect(response.headers.get("location")).toBeNull();
    }
    expect(site.requests).toHaveLength(0);
  });

  it.each(["resolve", "connect"])(
    "is looked up and connected to in no way that the options name: %s is refused",
    (seam) => {
      const seams = { [seam]: () => expect.unreachable(seam) };
      expect(() => start({ clientMetadataDocuments: { maxStaleSeconds: 0, ...seams } })).toThrow(ConfigurationError);
    },
  );

  it("cannot be asked for once the provider is closed", async () => {
    const harness = start();
    await harness.provider[Symbol.asyncDispose]();
    const { challenge } = pkce();
    const parameters = { client_id: clientId, redirect_uri: redirectUri, code_challenge: challenge };
    expect((await harness.get(harness.authorizePath(parameters))).status).toBe(503);
  });
});

describe("private_key_jwt", () => {
  const keyOf = async (kid: string, algorithm = "ES256") => {
    const pair = await generateKeyPair(algorithm);
    return { kid, algorithm, privateKey: pair.privateKey, jwk: { ...(await exportJWK(pair.publicKey)), kid } };
  };
  type Key = Awaited<ReturnType<typeof keyOf>>;

  let key: Key;
  beforeEach(async () => {
    key = await keyOf("one");
    site.handler = json(document({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.jwk] } }));
  });

  const sign = (claims: Claims = {}, signer: Pick<Key, "kid" | "algorithm" | "privateKey"> = key) => {
    const now = Math.floor(site.clock.seconds());
    const { kid, algorithm: alg } = signer;
    const usual = { iss: clientId, sub: clientId, aud: issuer, iat: now, exp: now + 60, jti: "id-1" };
    return new SignJWT(JSON.parse(JSON.stringify({ ...usual, ...claims })))
      .setProtectedHeader({ alg, kid })
      .sign(signer.privateKey);
  };
  const shown = (assertion: string) => ({ client_assertion_type: jwtBearer, client_assertion: assertion });

  it("lets the client in, for each kind of key", async () => {
    for (const algorithm of ["ES256", "RS256", "PS256", "EdDSA"]) {
      key = await keyOf(algorithm, algorithm);
      site.handler = json(document({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.jwk] } }));
      const harness = start();
      const response = await redeem(harness, await codeFor(harness), shown(await sign({ jti: algorithm })));
      expect(response.status, algorithm).toBe(200);
    }
  });

  it("needs no client_id next to the assertion, and takes the token endpoint as audience", async () => {
    const harness = start();
    const code = await codeFor(harness);
    const form = { grant_type: "authorization_code", redirect_uri: redirectUri, ...code };
    const assertion = await sign({ aud: `${issuer}/token` });
    expect((await harness.postForm("/token", { ...form, ...shown(assertion) })).status).toBe(200);
  });

  const now = () => Math.floor(site.clock.seconds());
  it.each<[string, () => Claims]>([
    ["another audience", () => ({ aud: "https://other.example" })],
    ["another issuer", () => ({ iss: "https://other.example/c" })],
    ["no expiry", () => ({ exp: undefined })],
    ["an expiry in the past", () => ({ exp: now() - 31 })],
    ["an expiry far away", () => ({ exp: now() + 631 })],
    ["a start in the future", () => ({ nbf: now() + 31 })],
    ["no jti", () => ({ jti: undefined })],
    ["an empty jti", () => ({ jti: "" })],
    ["an endless jti", () => ({ jti: "x".repeat(257) })],
  ])("refuses an assertion with %s", async (_what, claims) => {
    const harness = start();
    const response = await redeem(harness, await codeFor(harness), shown(await sign(claims())));
    expect(response.status).toBe(401);
    expect((await jsonOf(response)).error).toBe("invalid_client");
  });

  it("forgives clocks that are off by less than the tolerance", async () => {
    const harness = start();
    const late = await redeem(harness, await codeFor(harness), shown(await sign({ exp: now() - 29, jti: "late" })));
    expect(late.status).toBe(200);
    const early = await redeem(harness, await codeFor(harness), shown(await sign({ nbf: now() + 29, jti: "early" })));
    expect(early.status).toBe(200);
  });

  it("refuses another's signature, a shared secret as the key, and no signature", async () => {
    const stranger = await keyOf("one");
    const secret = new TextEncoder().encode(JSON.stringify(key.jwk));
    const claims = { iss: clientId, sub: clientId, aud: issuer, exp: now() + 60, jti: "id-1" };
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`;
    for (const assertion of [
      await sign({}, stranger),
      await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "one" }).sign(secret),
      unsigned,
      "not.a.jwt",
      "",
    ]) {
      const harness = start();
      const response = await redeem(harness, await codeFor(harness), shown(assertion));
      expect(response.status).toBe(401);
      expect((await jsonOf(response)).error).toBe("invalid_client");
    }
  });

  it("refuses a request that shows no assertion, or an assertion and a secret", async () => {
    const harness = start();
    expect((await redeem(harness, await codeFor(harness))).status).toBe(401);
    const both = { ...shown(await sign()), client_secret: "secret" };
    const response = await redeem(harness, await codeFor(harness), both);
    expect((await jsonOf(response)).error).toBe("invalid_request");
  });

  it("is good once: on one instance, on another, and after the memory is gone", async () => {
    const repositories = createInMemoryRepositories({ clock: site.clock.read });
    const [one, other] = [start({ repositories }), start({ repositories })];
    const assertion = shown(await sign());
    expect((await redeem(one, await codeFor(one), assertion)).status).toBe(200);
    for (const instance of [one, other, start({ repositories })]) {
      const response = await redeem(instance, await codeFor(instance), assertion);
      expect(response.status).toBe(401);
      expect((await jsonOf(response)).error).toBe("invalid_client");
    }
  });

  it("is good once for requests at the same time", async () => {
    const harness = start();
    const codes = await Promise.all(Array.from({ length: 8 }, () => codeFor(harness)));
    const assertion = shown(await sign());
    const answers = await Promise.all(codes.map((code) => redeem(harness, code, assertion)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
  });

  it("is needed for a refresh and a revocation as well", async () => {
    const harness = start();
    const tokens = await jsonOf(await redeem(harness, await codeFor(harness), shown(await sign())));
    const refresh = { grant_type: "refresh_token", client_id: clientId, refresh_token: tokens.refresh_token };
    expect((await harness.postForm("/token", refresh)).status).toBe(401);
    const renewed = await harness.postForm("/token", { ...refresh, ...shown(await sign({ jti: "id-2" })) });
    const { access_token: token } = await jsonOf(renewed);

    const revoke = { client_id: clientId, token };
    expect((await harness.postForm("/revoke", revoke)).status).toBe(401);
    expect(await harness.mcpStatus(token)).toBe(200);
    expect((await harness.postForm("/revoke", { ...revoke, ...shown(await sign({ jti: "id-3" })) })).status).toBe(200);
    expect(await harness.mcpStatus(token)).toBe(401);
  });

  it("takes keys from the client's jwks_uri, and a new one without waiting for the cache", async () => {
    let keys = [key.jwk];
    const described = { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://client.example/jwks" };
    const fresh = { "cache-control": "max-age=3600" };
    site.handler = (request, response) =>
      request.url === "/jwks"
        ? json({ keys }, fresh)(request, response)
        : json(document(described), fresh)(request, response);
    const harness = start();
    expect((await redeem(harness, await codeFor(harness), shown(await sign()))).status).toBe(200);

    const next = await keyOf("two");
    keys = [next.jwk];
    site.clock.advanceSeconds(31);
    expect((await redeem(harness, await codeFor(harness), shown(await sign({ jti: "id-2" }, next)))).status).toBe(200);
    expect(site.requests.filter((request) => request.url === "/jwks")).toHaveLength(2);
    // A stranger's keys do not make this server ask again and again.
    const stranger = await keyOf("three");
    const refused = await redeem(harness, await codeFor(harness), shown(await sign({ jti: "id-3" }, stranger)));
    expect(refused.status).toBe(401);
    expect(site.requests.filter((request) => request.url === "/jwks")).toHaveLength(2);
  });

  it("is temporarily unavailable while the site with the keys is, and the code is not blamed", async () => {
    const described = { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://client.example/jwks" };
    let out = true;
    site.handler = (request, response) => {
      if (request.url !== "/jwks") json(document(described))(request, response);
      else if (out) response.writeHead(503).end();
      else json({ keys: [key.jwk] })(request, response);
    };
    const harness = start();
    const code = await codeFor(harness);
    const response = await redeem(harness, code, shown(await sign()));
    expect(response.status).toBe(503);
    expect((await jsonOf(response)).error).toBe("temporarily_unavailable");
    out = false;
    expect((await redeem(harness, code, shown(await sign()))).status).toBe(200);
  });

  it("does not ask for keys at a domain that is not trusted", async () => {
    const described = { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://other.example/jwks" };
    site.handler = (request, response) =>
      (request.url === "/jwks" ? json({ keys: [key.jwk] }) : json(document(described)))(request, response);
    const harness = start({ clientMetadataDocuments: { allowedDomains: ["client.example"] } });
    const response = await redeem(harness, await codeFor(harness), shown(await sign()));
    expect([response.status, (await jsonOf(response)).error]).toEqual([401, "invalid_client"]);
    expect(site.requests.filter((request) => request.url === "/jwks")).toEqual([]);
  });

  it("asks for the keys of a client from the configuration wherever they are", async () => {
    site.handler = json({ keys: [key.jwk] });
    const signing = { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://other.example/jwks" } as const;
    const harness = start({
      clients: [{ client_id: "own", redirect_uris: [redirectUri], ...signing }],
      clientMetadataDocuments: { allowedDomains: ["client.example"] },
    });
    const { verifier, challenge } = pkce();
    const parameters = { client_id: "own", redirect_uri: redirectUri, scope: "user", code_challenge: challenge };
    const code = (await harness.logIn(parameters)).searchParams.get("code") ?? "";
    const assertion = shown(await sign({ iss: "own", sub: "own" }));
    const answer = await redeem(harness, { code, code_verifier: verifier }, { client_id: "own", ...assertion });
    expect(answer.status).toBe(200);
  });

  it("refuses keys that are none", async () => {
    const broken = { kty: "EC", crv: "P-256", x: "AAAA", y: "AAAA", kid: "one" };
    site.handler = json(document({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [broken] } }));
    const harness = start();
    const response = await redeem(harness, await codeFor(harness), shown(await sign()));
    expect(response.status).toBe(401);
    expect((await jsonOf(response)).error).toBe("invalid_client");
  });
});
