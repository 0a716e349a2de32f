import { upstreamCode } from "./fuzzed-upstream.ts";
import { baseUrl, challenge, type Progress, redirectUri, verifier } from "./honest-client.ts";

/** Where a parameter goes. */
export type Place = "query" | "form" | "json" | "header";

/** An endpoint, as the fuzzer sees it. */
export interface Endpoint {
  readonly name: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly place: Place;
  /** The value of each parameter in a good request; undefined where a good request has none. */
  readonly parameters: (progress: Progress) => Readonly<Record<string, unknown>>;
  /** The cookie of a good request. */
  readonly cookie?: (progress: Progress) => string;
  /** The parameters without which, exactly, there must be no success. */
  readonly decisive: readonly string[];
  /** Whether an answer grants what the endpoint is for, by what it says, where it leads and what its body is. */
  readonly isGranted: (response: Response, location: URL | undefined, body: string) => boolean;
}

const query = { method: "GET", place: "query" } as const;
const form = { method: "POST", place: "form" } as const;
const resource = `${baseUrl}/mcp`;
const credentials = ({ client }: Progress) => ({ client_id: client.id, client_secret: client.secret });

const authorize = {
  path: "/authorize",
  parameters: ({ client }: Progress) => ({
    response_type: "code",
    client_id: client.id,
    redirect_uri: redirectUri,
    scope: "user",
    state: "state-of-the-client",
    code_challenge: challenge,
    code_challenge_method: "S256",
    resource,
    response_mode: undefined,
    prompt: undefined,
  }),
  decisive: ["response_type", "client_id", "redirect_uri", "code_challenge_method", "resource"],
  isGranted: (response: Response, location: URL | undefined) =>
    response.status === 200 || location?.pathname === "/v2/oauth/authorize",
} as const;

const metadata = (path: string): Endpoint => ({
  ...query,
  name: path,
  path,
  parameters: () => ({ resource: undefined, issuer: undefined }),
  decisive: [],
  isGranted: (response) => response.status === 200,
});

/** Everything that the provider serves, and the two ways into a protected resource. */
export const endpoints: readonly Endpoint[] = [
  { ...query, ...authorize, name: "authorize" },
  { ...form, ...authorize, name: "authorize by form" },
  {
    ...form,
    name: "consent",
    path: "/consent",
    parameters: ({ page }) => ({ request: page.sealed, decision: "allow" }),
    cookie: ({ page }) => page.cookie,
    decisive: ["request", "decision", "cookie"],
    isGranted: (_response, location) => location?.pathname === "/v2/oauth/authorize",
  },
  {
    ...query,
    name: "callback",
    path: "/pangea/callback",
    parameters: ({ login }) => ({ state: login.state, code: upstreamCode, error: undefined, iss: undefined }),
    cookie: ({ login }) => /[^ ]*login_[^;]*/.exec(login.cookie)?.[0] ?? "",
    decisive: ["state", "code", "error", "iss", "cookie"],
    isGranted: (_response, location) => location?.searchParams.has("code") === true,
  },
  {
    ...query,
    name: "account",
    path: "/account",
    parameters: () => ({ done: undefined, action: undefined }),
    cookie: ({ account }) => account.cookie,
    decisive: ["cookie"],
    isGranted: (response, _location, body) => response.status === 200 && body.includes("What you have allowed"),
  },
  {
    ...form,
    name: "account: sign in",
    path: "/account",
    parameters: () => ({ action: "sign-in", form: undefined }),
    decisive: ["action"],
    isGranted: (_response, location) => location?.pathname === "/v2/oauth/authorize",
  },
  {
    ...query,
    name: "account: callback",
    path: "/pangea/callback",
    parameters: ({ signIn }) => ({ state: signIn.state, code: upstreamCode, error: undefined, iss: undefined }),
    cookie: ({ signIn }) => /[^ ]*signin_[^;]*/.exec(signIn.cookie)?.[0] ?? "",
    decisive: ["state", "code", "error", "iss", "cookie"],
    isGranted: (response) => response.headers.getSetCookie().some((line) => /_account_\w+=[\w-]{43};/.test(line)),
  },
  {
    ...form,
    name: "account: end a login",
    path: "/account",
    parameters: ({ account }) => ({ form: account.form, action: "end-login", grant: account.grant, client: undefined }),
    cookie: ({ account }) => account.cookie,
    decisive: ["form", "action", "grant", "cookie"],
    isGranted: (_response, location) => location?.pathname === "/account",
  },
  {
    ...form,
    name: "token for a code",
    path: "/token",
    parameters: (progress) => ({
      ...credentials(progress),
      grant_type: "authorization_code",
      code: progress.code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
      resource,
      scope: undefined,
      client_assertion: undefined,
      client_assertion_type: undefined,
    }),
    decisive: ["client_id", "client_secret", "grant_type", "code", "code_verifier", "redirect_uri", "resource"],
    isGranted: (response) => response.status === 200,
  },
  {
    ...form,
    name: "token for a refresh token",
    path: "/token",
    parameters: (progress) => ({
      ...credentials(progress),
      grant_type: "refresh_token",
      refresh_token: progress.tokens.refresh,
      scope: "user",
      resource,
    }),
    decisive: ["client_id", "client_secret", "grant_type", "refresh_token", "resource"],
    isGranted: (response) => response.status === 200,
  },
  {
    ...form,
    name: "revoke",
    path: "/revoke",
    parameters: (progress) => ({
      ...credentials(progress),
      token: progress.tokens.access,
      token_type_hint: "access_token",
    }),
    decisive: ["client_id", "client_secret"],
    isGranted: (response) => response.status === 200,
  },
  {
    name: "register",
    method: "POST",
    path: "/register",
    place: "json",
    parameters: () => ({
      redirect_uris: ["https://app.example/callback", redirectUri],
      client_name: "Fuzzed",
      client_uri: "https://app.example/",
      logo_uri: "https://app.example/logo.png",
      tos_uri: "https://app.example/terms",
      policy_uri: "https://app.example/policy",
      contacts: ["ada@app.example"],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      scope: "user",
      application_type: "native",
      software_id: "fuzzed",
      software_version: "1",
      jwks: undefined,
      jwks_uri: undefined,
    }),
    decisive: [],
    isGranted: (response) => response.status === 201,
  },
  metadata("/.well-known/oauth-authorization-server"),
  metadata("/.well-known/openid-configuration"),
  metadata("/.well-known/oauth-protected-resource"),
  metadata("/.well-known/oauth-protected-resource/mcp"),
  {
    name: "the MCP endpoint",
    method: "POST",
    path: "/mcp",
    place: "header",
    parameters: ({ tokens }) => ({ authorization: `Bearer ${tokens.access}` }),
    decisive: ["authorization"],
    isGranted: (response) => response.status === 200,
  },
  {
    name: "the user's Pangea token",
    method: "POST",
    path: "/pangea-token",
    place: "header",
    parameters: ({ tokens }) => ({ token: tokens.access }),
    decisive: ["token"],
    isGranted: (response) => response.status === 200,
  },
];
