import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";

/** What an ID token says, and how it is signed. */
export interface IdTokenChanges {
  readonly claims?: JWTPayload;
  /** A claim that is left out. */
  readonly lacks?: "exp" | "nonce";
  readonly algorithm?: string;
  /** What an HMAC is made with. Default: the client's secret. */
  readonly hmacKey?: "client secret" | "public key";
  /** Signed with a key that the provider does not publish. */
  readonly isForged?: boolean;
}

/** An OpenID provider without a server: a `fetch`, and what a test changes of its answers. */
export interface ScriptedOpenIdProvider {
  readonly issuer: string;
  readonly fetch: (request: Request) => Promise<Response>;
  /** The paths that were asked for, and the forms that were sent there. */
  readonly requests: { readonly path: string; readonly form: URLSearchParams; readonly headers: Headers }[];
  /** Members of the discovery document; `undefined` leaves one out. */
  metadata: Record<string, unknown>;
  /** What the ID token says of the login. */
  idToken: IdTokenChanges | "none";
  userinfo: Record<string, unknown>;
  /** Answers a path in place of the provider. */
  readonly answers: Map<string, () => Response | Promise<Response>>;
  /** The nonce of the login that is under way. */
  nonce: string | null;
  /** Publishes a new key and signs with it; the old one is gone. */
  rotateKeys(): Promise<void>;
}

export const scriptedClient = { clientId: "mcp", clientSecret: "a secret that has thirty-two characters" };

/** Makes one whose user is `ada`. */
export async function scriptedOpenIdProvider(issuer = "https://id.example"): Promise<ScriptedOpenIdProvider> {
  let keys = await generateKeyPair("RS256");
  let kid = 1;
  const forged = await generateKeyPair("RS256");
  const provider: ScriptedOpenIdProvider = {
    issuer,
    requests: [],
    metadata: {},
    idToken: {},
    userinfo: { sub: "ada" },
    answers: new Map(),
    nonce: null,
    rotateKeys: async () => {
      keys = await generateKeyPair("RS256");
      kid += 1;
    },
    fetch: async (request) => {
      const { pathname: path } = new URL(request.url);
      const form = new URLSearchParams(request.method === "POST" ? await request.text() : "");
      provider.requests.push({ path, form, headers: request.headers });
      return (await provider.answers.get(path)?.()) ?? answer(path);
    },
  };
  const idTokenOf = async ({
    claims,
    algorithm = "RS256",
    hmacKey = "client secret",
    isForged = false,
    lacks,
  }: IdTokenChanges): Promise<string> => {
    const now = Math.floor(Date.now() / 1_000);
    const standard = { iss: issuer, aud: scriptedClient.clientId, sub: "ada", iat: now, exp: now + 300 };
    const all = { ...standard, ...(provider.nonce !== null && { nonce: provider.nonce }), ...claims };
    const payload = Object.fromEntries(Object.entries(all).filter(([name]) => name !== lacks));
    const shared = hmacKey === "public key" ? await exportSPKI(keys.publicKey) : scriptedClient.clientSecret;
    const secret = new TextEncoder().encode(shared);
    const key = algorithm.startsWith("HS") ? secret : isForged ? forged.privateKey : keys.privateKey;
    if (algorithm !== "none") {
      return new SignJWT(payload).setProtectedHeader({ alg: algorithm, kid: `key-${kid}` }).sign(key);
    }
    const parts = [{ alg: "none" }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
    return `${parts.join(".")}.`;
  };
  const answer = async (path: string): Promise<Response> => {
    if (path === "/.well-known/openid-configuration") {
      return Response.json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        userinfo_endpoint: `${issuer}/userinfo`,
        revocation_endpoint: `${issuer}/revoke`,
        end_session_endpoint: `${issuer}/logout`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ["code"],
        id_token_signing_alg_values_supported: ["RS256"],
        ...provider.metadata,
      });
    }
    if (path === "/jwks") {
      return Response.json({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: `key-${kid}`, alg: "RS256" }] });
    }
    if (path === "/token") {
      const { idToken } = provider;
      return Response.json({
        access_token: "upstream-access",
        refresh_token: "upstream-refresh",
        token_type: "Bearer",
        expires_in: 3_600,
        scope: "openid email",
        ...(idToken !== "none" && { id_token: await idTokenOf(idToken) }),
      });
    }
    if (path === "/userinfo") return Response.json(provider.userinfo);
    if (path === "/revoke") return new Response(null, { status: 200 });
    return new Response(null, { status: 404 });
  };
  return provider;
}
