import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { hostileTexts, mutateJson, mutateJsonText, mutateText } from "./mutations.ts";
import type { Random } from "./random.ts";

/** What the tokens of users begin with at every upstream. No client may ever see one. */
export const upstreamToken = "ptu_the-token-of-a-user-upstream";

/** The upstreams, by the ids of their callbacks: Pangea AuthN, an OpenID provider, and a provider of OAuth 2.0. */
export const upstreamUrls = {
  pangea: "https://login.example",
  oidc: "https://id.example",
  hub: "https://hub.example",
} as const;
export type UpstreamId = keyof typeof upstreamUrls;
export const upstreamIds = ["pangea", "oidc", "hub"] as const satisfies readonly UpstreamId[];

/** The client that this server is at each of them. */
export const clientAtUpstreams = {
  id: "psa_the-id-of-this-server-upstream",
  secret: "pck_the-secret-of-this-server-upstream",
} as const;

const statuses = [200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 502, 503] as const;
/** What stands in the place of a document that is kept for an hour: a lie in it would outlast the request. */
const brokenDocuments = ["", "null", "[]", "{", "{}", "<html></html>"] as const;
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signingKey = { ...publicKey.export({ format: "jwk" }), kid: "the-key", alg: "ES256", use: "sig" };

const discoveryDocument = {
  issuer: upstreamUrls.oidc,
  authorization_endpoint: `${upstreamUrls.oidc}/authorize`,
  token_endpoint: `${upstreamUrls.oidc}/token`,
  userinfo_endpoint: `${upstreamUrls.oidc}/userinfo`,
  revocation_endpoint: `${upstreamUrls.oidc}/revoke`,
  end_session_endpoint: `${upstreamUrls.oidc}/logout`,
  jwks_uri: `${upstreamUrls.oidc}/keys`,
  response_types_supported: ["code"],
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["ES256"],
  authorization_response_iss_parameter_supported: true,
};

/** Which upstream a browser was sent to, if any. */
export function upstreamOf(location: URL | undefined): UpstreamId | undefined {
  return upstreamIds.find((id) => upstreamUrls[id] === location?.origin);
}

/** What a browser comes back with. */
export interface UpstreamAnswer {
  readonly state: string;
  readonly code: string;
  /** The issuer, where the upstream names itself (RFC 9207). */
  readonly iss: string | undefined;
}

/** Somebody logs in where the browser was sent to. The code says who, and for which login it is good. */
export function logInUpstream(location: URL, user: string): UpstreamAnswer {
  const id = upstreamOf(location);
  const { state, code_challenge: challenge = "", nonce = "" } = Object.fromEntries(location.searchParams);
  if (id === undefined || state === undefined) throw new Error(`Nobody logs in at ${location.origin}.`);
  const iss = id === "oidc" ? upstreamUrls.oidc : undefined;
  return { state, code: withMark([id, user, challenge, nonce].join("~")), iss };
}

/** A code with a mark of its upstreams, so that no other text is a code. */
function withMark(code: string): string {
  return `${code}~${createHmac("sha256", clientAtUpstreams.secret).update(code).digest("base64url")}`;
}

/** Several upstreams without a network, which answer well unless they are told not to. */
export class FuzzedUpstream {
  /** Decides how an answer is spoilt, as long as it is set. */
  spoiler: Random | undefined;

  readonly fetch = async (request: Request): Promise<Response> => {
    const { origin, pathname } = new URL(request.url);
    const form = new URLSearchParams(await request.text());
    const token = /^Bearer (.*)/.exec(request.headers.get("authorization") ?? "")?.[1] ?? form.get("token") ?? "";
    const { status, text } = this.#answer(origin, pathname, form, token);
    const random = this.spoiler;
    if (random === undefined) return new Response(text, { status, headers: { "content-type": "application/json" } });
    if (random.oneIn(8)) throw new TypeError("fetch failed");
    const spoilt = random.pick(statuses);
    const headers = new Headers(random.oneIn(2) ? { "content-type": "application/json" } : {});
    if (random.oneIn(4)) headers.set("retry-after", random.pick(["0", "5", "-1", "x", "1e9"]));
    const isDocument = pathname.startsWith("/.well-known/") || pathname === "/keys";
    const body = isDocument
      ? random.pick(brokenDocuments)
      : random.oneIn(6)
        ? random.pick(hostileTexts)
        : mutateJsonText(random, text);
    return new Response(spoilt === 204 ? null : body, { status: spoilt, headers });
  };

  #answer(origin: string, path: string, form: URLSearchParams, token: string): { status: number; text: string } {
    const json = (status: number, body: unknown) => ({ status, text: JSON.stringify(body) });
    const user = token.split("~")[1] ?? "";
    const email = `${user}@example.com`;
    if (path.startsWith("/.well-known/")) return json(200, discoveryDocument);
    if (path === "/keys") return json(200, { keys: [signingKey] });
    if (path.endsWith("/introspect")) return json(200, { active: true, sub: user, email });
    if (path === "/userinfo") return json(200, { sub: user, email, email_verified: true });
    if (path === "/user") return json(200, { id: user, login: user });
    if (path.endsWith("/revoke")) return json(200, {});
    return this.#redeem(origin, form);
  }

  #redeem(origin: string, form: URLSearchParams): { status: number; text: string } {
    const isRefresh = form.get("grant_type") === "refresh_token";
    const given = form.get(isRefresh ? "refresh_token" : "code") ?? "";
    const [id = "", user = "", challenge = "", nonce = ""] = given.split("~");
    const verifier = form.get("code_verifier") ?? "";
    const isGood = isRefresh
      ? id === upstreamToken
      : given === withMark([id, user, challenge, nonce].join("~")) &&
        id === upstreamOf(new URL(origin)) &&
        challenge === createHash("sha256").update(verifier).digest("base64url");
    if (!isGood) return { status: 400, text: JSON.stringify({ error: "invalid_grant" }) };
    const tokens = {
      access_token: `${upstreamToken}~${user}`,
      refresh_token: `${upstreamToken}~${user}~refresh`,
      token_type: "bearer",
      scope: "user",
      // A token of an OAuth app of GitHub never ends; that of Pangea is to be refreshed whenever it is used here.
      ...(origin === upstreamUrls.pangea && { expires_in: 30 }),
      ...(origin === upstreamUrls.oidc && { expires_in: 3600, id_token: this.#idToken(user, nonce) }),
    };
    return { status: 200, text: JSON.stringify(tokens) };
  }

  /** The ID token of a login. One that is spoilt has claims of any form under a good signature, or is cut to pieces. */
  #idToken(user: string, nonce: string): string {
    const encode = (json: unknown): string => Buffer.from(JSON.stringify(json) ?? "").toString("base64url");
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: upstreamUrls.oidc,
      aud: clientAtUpstreams.id,
      sub: user,
      iat: now,
      exp: now + 600,
      ...(nonce !== "" && { nonce }),
    };
    const random = this.spoiler;
    const isSpoilt = random?.oneIn(2) === true;
    const header = { alg: "ES256", kid: signingKey.kid };
    const signed = `${encode(isSpoilt && random.oneIn(6) ? mutateJson(random, header) : header)}.${encode(isSpoilt ? mutateJson(random, claims) : claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
    const token = `${signed}.${signature.toString("base64url")}`;
    return isSpoilt && random.oneIn(4) ? mutateText(random, token) : token;
  }
}
