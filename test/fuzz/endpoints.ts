import { upstreamIds, upstreamOf } from "./fuzzed-upstream.ts";
import { baseUrl, challenge, type OpenAccount, type Progress, redirectUri, verifier } from "./honest-client.ts";

/** Where a parameter goes. */
export type Place = "query" | "form" | "json" | "header";

/** An endpoint, as the fuzzer sees it. */
export interface Endpoint {
  readonly name: string;
  readonly method: "GET" | "POST";
  /** The path, which is another one at each upstream for some. */
  readonly path: string | ((progress: Progress) => string);
  readonly place: Place;
  /** The value of each parameter in a good request; undefined where a good request has none. */
  readonly parameters: (progress: Progress) => Readonly<Record<string, unknown>>;
  /** The cookie of a good request. */
  readonly cookie?: (progress: Progress) => string;
  /** The parameters without which, exactly, there must be no success. */
  readonly decisive: readonly string[];
  /** Whether there must be no success, whatever is sent: what is valid in one place is brought to another. */
  readonly isForbidden?: boolean;
  /** Whether there have to be several upstreams. */
  readonly needsChoice?: boolean;
  /** Whether an answer grants what the endpoint is for, by what it says, where it leads and what its body is. */
  readonly isGranted: (response: Response, location: URL | undefined, body: string) => boolean;
}

const query = { method: "GET", place: "query" } as const;
const form = { method: "POST", place: "form" } as const;
const resource = `${baseUrl}/mcp`;
const credentials = ({ client }: Progress) => ({ client_id: client.id, client_secret: client.secret });

const leadsUpstream = (_response: Response, location: URL | undefined) => upstreamOf(location) !== undefined;

const authorize = {
  path: "/authorize",
  parameters: ({ client, choice }: Progress) => ({
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
    idp_hint: choice === "" ? undefined : choice.slice(1),
    login_hint: undefined,
  }),
  decisive: ["response_type", "client_id", "redirect_uri", "code_challenge_method", "resource"],
  isGranted: (response: Response, location: URL | undefined) =>
    response.status === 200 || upstreamOf(location) !== undefined,
} as const;

const callbackPath = ({ upstream }: Progress) => `/${upstream}/callback`;
const otherCallbackPath = ({ upstream }: Progress) => `/${upstreamIds.find((id) => id !== upstream)}/callback`;
const loginCookie = (cookies: string) => /[^ ]*login_[^;]*/.exec(cookies)?.[0] ?? "";
const signInCookie = (cookies: string) => /[^ ]*signin_[^;]*/.exec(cookies)?.[0] ?? "";
const accountCookie = (cookies: string) => /[^ ]*account_[^;]*/.exec(cookies)?.[0] ?? "";

/** A browser comes back from an upstream, from a login for a client. */
const callback = {
  ...query,
  path: callbackPath,
  parameters: ({ login: { state, code, iss } }: Progress) => ({ state, code, error: undefined, iss }),
  cookie: ({ login }: Progress) => loginCookie(login.cookie),
  decisive: ["state", "code", "error", "iss", "cookie"],
  isGranted: (_response: Response, location: URL | undefined) => location?.searchParams.has("code") === true,
} as const;

/** A browser comes back from an upstream, from a login for the account page. */
const accountCallback = {
  ...query,
  path: callbackPath,
  parameters: ({ signIn: { state, code, iss } }: Progress) => ({ state, code, error: undefined, iss }),
  cookie: ({ signIn }: Progress) => signInCookie(signIn.cookie),
  decisive: ["state", "code", "error", "iss", "cookie"],
  isGranted: (response: Response) =>
    response.headers.getSetCookie().some((line) => /_account_\w+=[\w-]{43};/.test(line)),
} as const;

/** A form of the account page. */
const accountForm = (
  name: string,
  action: string,
  accountOf: (progress: Progress) => OpenAccount,
  others: (progress: Progress) => Readonly<Record<string, unknown>>,
): Endpoint => ({
  ...form,
  name: `account: ${name}`,
  path: "/account",
  parameters: (progress) => ({ form: accountOf(progress).form, action, ...others(progress) }),
  cookie: (progress) => accountOf(progress).cookie,
  decisive: ["form", "action", "cookie"],
  isGranted: (response, location) => response.status === 303 && location?.pathname === "/account",
});

const showsAccount = (response: Response, _location: URL | undefined, body: string) =>
  response.status === 200 && body.includes("What you have allowed");

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
    ...query,
    ...authorize,
    name: "authorize, remembered",
    parameters: (progress) => ({ ...authorize.parameters(progress), login_hint: "ada@example.org" }),
    cookie: ({ remembered }) => remembered,
  },
  {
    ...query,
    ...authorize,
    name: "authorize, to choose from",
    needsChoice: true,
    parameters: (progress) => ({
      ...authorize.parameters(progress),
      prompt: "select_account",
      idp_hint: undefined,
    }),
    cookie: ({ remembered }) => remembered,
  },
  {
    ...form,
    name: "consent",
    path: "/consent",
    parameters: ({ page, choice }) => ({ request: page.sealed, decision: `allow${choice}` }),
    cookie: ({ page }) => page.cookie,
    decisive: ["request", "decision", "cookie"],
    isGranted: leadsUpstream,
  },
  { ...callback, name: "callback" },
  { ...callback, name: "callback of another upstream", needsChoice: true, isForbidden: true, path: otherCallbackPath },
  {
    ...callback,
    name: "callback of a login for the account page, for a client",
    isForbidden: true,
    parameters: accountCallback.parameters,
    cookie: ({ signIn }) => signInCookie(signIn.cookie).replace("signin_", "login_"),
  },
  {
    ...query,
    name: "account",
    path: "/account",
    parameters: () => ({ done: undefined, action: undefined }),
    cookie: ({ account }) => account.cookie,
    decisive: ["cookie"],
    isGranted: showsAccount,
  },
  {
    ...query,
    name: "account, with a token for a session",
    path: "/account",
    isForbidden: true,
    parameters: () => ({ done: undefined }),
    cookie: ({ account, tokens }) => `${accountCookie(account.cookie).split("=")[0]}=${tokens.access}`,
    decisive: ["cookie"],
    isGranted: showsAccount,
  },
  {
    ...form,
    name: "account: sign in",
    path: "/account",
    parameters: ({ choice }) => ({ action: `sign-in${choice}`, form: undefined }),
    decisive: ["action"],
    isGranted: leadsUpstream,
  },
  { ...accountCallback, name: "account: callback" },
  {
    ...accountCallback,
    name: "account: callback of another upstream",
    needsChoice: true,
    isForbidden: true,
    path: otherCallbackPath,
  },
  {
    ...accountCallback,
    name: "account: callback of a login for a client",
    isForbidden: true,
    parameters: callback.parameters,
    cookie: ({ login }) => loginCookie(login.cookie).replace("login_", "signin_"),
  },
  {
    ...accountForm(
      "end a login",
      "end-login",
      ({ account }) => account,
      ({ account }) => ({ grant: account.grant, client: undefined }),
    ),
    decisive: ["form", "action", "grant", "cookie"],
  },
  {
    ...accountForm(
      "end a client",
      "end-client",
      ({ passing }) => passing,
      ({ client }) => ({ client: client.id }),
    ),
  },
  {
    ...accountForm(
      "end all",
      "end-all",
      ({ passing }) => passing,
      () => ({}),
    ),
  },
  {
    ...accountForm(
      "sign out",
      "sign-out",
      ({ passing }) => passing,
      () => ({}),
    ),
    // Whoever is signed out already reads that, whoever it is.
    decisive: [],
    isGranted: (response, _location, body) => response.status === 200 && body.includes("You are signed out"),
  },
  {
    ...accountForm(
      "sign out upstream",
      "sign-out-upstream",
      ({ passing }) => passing,
      () => ({}),
    ),
    needsChoice: true,
    isGranted: leadsUpstream,
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
    name: "the MCP endpoint, with an account session for a token",
    method: "POST",
    path: "/mcp",
    place: "header",
    isForbidden: true,
    parameters: ({ account }) => ({ authorization: `Bearer ${accountCookie(account.cookie).split("=")[1]}` }),
    decisive: ["authorization"],
    isGranted: (response) => response.status === 200,
  },
  {
    name: "the user's token upstream",
    method: "POST",
    path: "/upstream-token",
    place: "header",
    parameters: ({ tokens }) => ({ token: tokens.access }),
    decisive: ["token"],
    isGranted: (response) => response.status === 200,
  },
];
