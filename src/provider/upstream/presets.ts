import { z } from "zod";
import {
  type OptionKinds,
  requireExactText,
  requireHttpUrl,
  requireOptions,
  requireThat,
} from "../../option-checks.ts";
import { withoutLastSlashes } from "../oauth/paths.ts";
import { asciiDomain, requireDomain } from "./email-domain.ts";
import type { OAuth2Options } from "./oauth2.ts";
import type { OpenIdConnectOptions } from "./openid-connect.ts";
import { bothAllow } from "./who-may-log-in.ts";

/** What every preset needs, and what may be changed in it. */
type Preset<Own> = Pick<OpenIdConnectOptions, "clientId"> & Own & Partial<Omit<OpenIdConnectOptions, "issuer">>;

/** The form of every id of Microsoft Entra. */
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What may be changed in every preset of `openIdConnect`, which checks the values itself. */
const changeable: OptionKinds<Omit<OpenIdConnectOptions, "issuer">> = {
  clientId: "any",
  clientSecret: "any",
  privateKey: "any",
  privateKeyAlgorithm: "any",
  clientAuthentication: "any",
  scopes: "any",
  id: "any",
  name: "any",
  authorizationParameters: "object",
  prompts: "any",
  claims: "object",
  revocation: "any",
  userinfo: "any",
  allow: "function",
  idTokenSigningAlgorithm: "any",
  clockToleranceSeconds: "any",
  timeout: "any",
  fetch: "function",
};

/**
 * Options of `openIdConnect` for Google.
 *
 * In the Google Cloud console, under **APIs & Services → Credentials**, create an **OAuth client ID** of the type _Web
 * application_ with the authorized redirect URI `<baseUrl>/google/callback`. Anybody with a Google account can log in; `hostedDomain`
 * lets in the users of one Google Workspace only, of whom an `allow` of your own may refuse some. While the consent screen is
 * in _Testing_, refresh tokens end after seven days. Google has no page to sign out at, and one revocation there would end all
 * that the user has allowed this server, so nothing is revoked.
 *
 * @see {@link https://developers.google.com/identity/openid-connect/openid-connect Google's documentation}
 * @throws {ConfigurationError} when `hostedDomain` is given and is no domain.
 *
 * @example
 * ```ts
 * const upstream = openIdConnect(google({ clientId, clientSecret, hostedDomain: "example.org" }));
 * ```
 */
export function google(given: Preset<{ readonly hostedDomain?: string }>): OpenIdConnectOptions {
  const { hostedDomain, ...options } = checked("google", given, { ...changeable, hostedDomain: "any" });
  for (const secret of secretsOf(options)) {
    const isId = secret.endsWith(".apps.googleusercontent.com");
    requireThat(
      !isId,
      "google: clientSecret ends in .apps.googleusercontent.com, so it is a client's id, which is public.",
    );
  }
  const isSecret = String(options.clientId).startsWith("GOCSPX-");
  requireThat(!isSecret, "google: clientId begins with GOCSPX-, so it is a client's secret.");
  const domain = hostedDomain === undefined ? undefined : requireDomain("google: hostedDomain", hostedDomain);
  return {
    id: "google",
    name: "Google",
    issuer: "https://accounts.google.com",
    scopes: ["openid", "email", "profile"],
    claims: { username: "email" },
    prompts: ["none", "consent", "select_account"],
    revocation: false,
    ...options,
    ...(domain !== undefined && {
      // The parameter is a hint to the page of Google; the claim is what counts.
      allow: bothAllow(
        (_, { hd }) => (typeof hd === "string" && asciiDomain(hd) === domain) || `Log in with an account of ${domain}.`,
        options.allow,
      ),
    }),
    authorizationParameters: {
      // Google gives a refresh token for this, and only when the person is asked.
      access_type: "offline",
      prompt: "consent",
      ...(domain !== undefined && { hd: domain }),
      ...options.authorizationParameters,
    },
  };
}

/**
 * Options of `openIdConnect` for Microsoft Entra ID, for the users of one tenant.
 *
 * In the Entra admin center, under **App registrations**, register an application with a redirect URI of the platform _Web_,
 * `<baseUrl>/entra/callback`, and make a secret under **Certificates & secrets**. `tenant` is the **Directory (tenant) ID**.
 * An address in `email` is not verified by Entra, so it is left out; a user is known by `oid`, which stays the same for all
 * applications of the tenant. To come back after signing out there, `<baseUrl>/account` has to be a redirect URI as well.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc Microsoft's documentation}
 * @throws {ConfigurationError} when `tenant` is not the id of one tenant: `common` and its like let anybody in.
 *
 * @example
 * ```ts
 * const upstream = openIdConnect(microsoftEntra({ tenant: "11111111-…", clientId, clientSecret }));
 * ```
 */
export function microsoftEntra(given: Preset<{ readonly tenant: string }>): OpenIdConnectOptions {
  const { tenant, ...options } = checked("microsoftEntra", given, { ...changeable, tenant: "any" });
  requireThat(
    uuid.test(requireExactText("microsoftEntra: tenant", tenant)),
    "microsoftEntra: tenant must be the Directory (tenant) ID, such as 11111111-2222-3333-4444-555555555555.",
  );
  for (const secret of secretsOf(options)) {
    requireThat(
      !uuid.test(secret),
      "microsoftEntra: clientSecret is a Secret ID: give the Value of the secret, which the Entra admin center shows once.",
    );
  }
  return {
    id: "entra",
    name: "Microsoft",
    issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
    scopes: ["openid", "profile", "offline_access"],
    claims: { subject: "oid" },
    // Its userinfo endpoint has nothing that the ID token lacks.
    userinfo: false,
    ...options,
  };
}

/**
 * Options of `openIdConnect` for Okta.
 *
 * In the Okta admin console, under **Applications**, create an app integration of the type _OIDC — Web Application_ with the
 * grant types _Authorization Code_ and _Refresh Token_, the sign-in redirect URI `<baseUrl>/okta/callback` and the sign-out
 * redirect URI `<baseUrl>/account`. `domain` is that of your organization, or your custom one; `authorizationServer` is the id
 * of a custom one, such as `default`, for whose access tokens Okta's API Access Management is needed.
 *
 * @see {@link https://developer.okta.com/docs/concepts/auth-servers/ Okta's documentation}
 * @throws {ConfigurationError} when `domain` is missing or that of the admin console, or `authorizationServer` is no id.
 *
 * @example
 * ```ts
 * const upstream = openIdConnect(okta({ domain: "example.okta.com", clientId, clientSecret }));
 * ```
 */
export function okta(
  given: Preset<{ readonly domain: string; readonly authorizationServer?: string }>,
): OpenIdConnectOptions {
  const kinds = { ...changeable, domain: "any", authorizationServer: "text" } as const;
  const { domain, authorizationServer, ...options } = checked("okta", given, kinds);
  requireThat(
    !/-admin\.okta(?:preview)?\.com$|-admin\.okta-emea\.com$/i.test(String(domain)),
    "okta: domain is that of the admin console; leave out -admin, such as example.okta.com.",
  );
  requireThat(
    authorizationServer === undefined || /^[\w-]+$/.test(authorizationServer),
    "okta: authorizationServer must be the id of one, such as default, and not its URL.",
  );
  const path = authorizationServer === undefined ? "" : `/oauth2/${authorizationServer}`;
  return {
    id: "okta",
    name: "Okta",
    issuer: `${originOf("okta", domain)}${path}`,
    scopes: ["openid", "profile", "email", "offline_access"],
    ...options,
  };
}

/**
 * Options of `openIdConnect` for Auth0.
 *
 * In the Auth0 dashboard, under **Applications**, create a _Regular Web Application_ with the allowed callback URL
 * `<baseUrl>/auth0/callback` and the allowed logout URL `<baseUrl>/account`, and switch on **Refresh Token Rotation**. `domain` is
 * the tenant's or your custom one. The access token is good for Auth0 itself, unless `authorizationParameters: { audience: "…" }`
 * names an API of yours, which has to allow offline access. Under **Settings → Advanced** of the tenant, leave _Refresh Token
 * Revocation Deletes Grant_ off, or give `revocation: false`: the end of one login would be that of all.
 *
 * @see {@link https://auth0.com/docs/secure/tokens/refresh-tokens Auth0's documentation}
 * @throws {ConfigurationError} when `domain` is missing, or is more than a host name.
 *
 * @example
 * ```ts
 * const upstream = openIdConnect(auth0({ domain: "example.eu.auth0.com", clientId, clientSecret }));
 * ```
 */
export function auth0(given: Preset<{ readonly domain: string }>): OpenIdConnectOptions {
  const { domain, ...options } = checked("auth0", given, { ...changeable, domain: "any" });
  return {
    id: "auth0",
    name: "Auth0",
    // The issuer of Auth0 ends in a slash.
    issuer: `${originOf("auth0", domain)}/`,
    scopes: ["openid", "profile", "email", "offline_access"],
    claims: { username: "nickname" },
    ...options,
  };
}

/**
 * Options of `openIdConnect` for Keycloak.
 *
 * In the admin console of the realm, under **Clients**, create a client of the type _OpenID Connect_ with **Client
 * authentication** on, the _Standard flow_, the valid redirect URI `<baseUrl>/keycloak/callback` and the valid post logout
 * redirect URI `<baseUrl>/account`. Its secret is under **Credentials**. The user's tokens end with the session at Keycloak; the
 * scope `offline_access` gives some that stay.
 *
 * @see {@link https://www.keycloak.org/securing-apps/oidc-layers Keycloak's documentation}
 * @throws {ConfigurationError} when `url` or `realm` is missing, or `url` has the realm in it.
 *
 * @example
 * ```ts
 * const upstream = openIdConnect(keycloak({ url: "https://id.example.org", realm: "staff", clientId, clientSecret }));
 * ```
 */
export function keycloak(given: Preset<{ readonly url: string | URL; readonly realm: string }>): OpenIdConnectOptions {
  const { url, realm, ...options } = checked("keycloak", given, { ...changeable, url: "any", realm: "any" });
  const base = withoutLastSlashes(requireHttpUrl("keycloak: url", url, "https://id.example.org"));
  requireThat(
    !/\/realms(?:\/|$)/.test(base),
    "keycloak: url must be the address of Keycloak without /realms/…, which follows from realm.",
  );
  const name = requireExactText("keycloak: realm", realm);
  requireThat(
    !/[/\\?#]/.test(name),
    "keycloak: realm must be the name of a realm, as the admin console has it, without a slash, such as staff.",
  );
  return {
    id: "keycloak",
    name: "Keycloak",
    issuer: `${base}/realms/${encodeURIComponent(name)}`,
    scopes: ["openid", "profile", "email"],
    ...options,
  };
}

/** What the preset for GitHub needs, and what may be changed in it. */
export type GitHubOptions = Pick<OAuth2Options, "clientId" | "clientSecret"> &
  Partial<OAuth2Options> & {
    /** Lets in the members of this organization only, of whom `allow` may refuse some. Asks for the scope `read:org`. */
    readonly organization?: string;
    /** Of GitHub Enterprise Server, such as `https://github.example.org`. Default: `https://github.com`. */
    readonly url?: string;
  };

const gitHubKinds: OptionKinds<GitHubOptions> = {
  clientId: "any",
  clientSecret: "any",
  clientAuthentication: "any",
  id: "any",
  name: "any",
  issuer: "any",
  authorizationEndpoint: "any",
  tokenEndpoint: "any",
  revocationEndpoint: "any",
  scopes: "any",
  authorizationParameters: "object",
  identify: "function",
  allow: "function",
  timeout: "any",
  fetch: "function",
  organization: "text",
  url: "any",
};

const gitHubUserSchema = z.object({ id: z.number(), login: z.string() });
const gitHubEmailsSchema = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));
const gitHubMembershipSchema = z.object({ state: z.string() });

/**
 * Options of `oAuth2` for GitHub.
 *
 * Under **Settings → Developer settings**, register an OAuth app or a GitHub App with the callback URL
 * `<baseUrl>/github/callback`. A GitHub App with _Expire user authorization tokens_ gives refresh tokens; the tokens of an
 * OAuth app do not expire. A user is known by the number of the account, for names change hands. With the scope `user:email`
 * the primary address is told, where it is verified; a GitHub App needs the permission to read _Email addresses_ as well.
 *
 * @see {@link https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps GitHub's documentation}
 * @throws {ConfigurationError} when `organization` or `url` is given and is none, or an option is unknown.
 *
 * @example
 * ```ts
 * const upstream = oAuth2(gitHub({ clientId: "Iv1.…", clientSecret, organization: "example" }));
 * ```
 */
export function gitHub(given: GitHubOptions): OAuth2Options {
  const { organization, url = "https://github.com", ...options } = checked("gitHub", given, gitHubKinds);
  const base = withoutLastSlashes(requireHttpUrl("gitHub: url", url, "https://github.example.org"));
  requireThat(
    base !== "https://api.github.com",
    "gitHub: url must be where people log in, not the address of the API.",
  );
  requireThat(
    organization === undefined || /^[\w-]+$/.test(organization),
    "gitHub: organization must be the name of one as its address has it, such as example.",
  );
  for (const secret of secretsOf(options)) {
    const [prefix] = /^(?:Iv1\.|Iv23|Ov23)/.exec(secret) ?? [];
    requireThat(
      prefix === undefined,
      `gitHub: clientSecret begins with ${prefix}, so it is a client's id, which is public.`,
    );
  }
  const { hostname } = new URL(base);
  const isHosted = hostname === "github.com" || hostname.endsWith(".ghe.com");
  const api = isHosted ? `https://api.${hostname}` : `${base}/api/v3`;
  return {
    id: "github",
    name: "GitHub",
    issuer: base,
    authorizationEndpoint: `${base}/login/oauth/authorize`,
    tokenEndpoint: `${base}/login/oauth/access_token`,
    scopes: organization === undefined ? [] : ["read:org"],
    identify: async ({ get }) => {
      const { id, login } = gitHubUserSchema.parse(await get(`${api}/user`));
      const isTold = options.scopes?.includes("user:email") === true;
      const emails = isTold ? gitHubEmailsSchema.parse(await get(`${api}/user/emails`)) : [];
      const email = emails.find(({ primary, verified }) => primary && verified)?.email;
      return { subject: String(id), username: login, ...(email !== undefined && { email }) };
    },
    ...options,
    ...(organization !== undefined && {
      allow: bothAllow(async (_, { get }) => {
        const path = `${api}/user/memberships/orgs/${encodeURIComponent(organization)}`;
        // GitHub answers with a refusal where the user is no member.
        const membership = gitHubMembershipSchema.safeParse(await get(path).catch(refusedIsNothing));
        return membership.data?.state === "active" || `Log in as a member of ${organization}.`;
      }, options.allow),
    }),
  };
}

/**
 * The options that were given to a preset. One that is undefined is left out, so that it replaces nothing of the preset.
 *
 * @throws {ConfigurationError} when there are none, or one is unknown.
 */
function checked<Options extends object>(preset: string, given: Options, kinds: OptionKinds<Options>): Options {
  requireOptions(preset, given ?? null, kinds);
  const options = { ...given };
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) Reflect.deleteProperty(options, name);
  }
  return options;
}

/** What was given for secrets, as far as it is text: whoever takes the options checks the rest. */
function secretsOf({ clientSecret }: { readonly clientSecret?: unknown }): readonly string[] {
  return [clientSecret].flat().filter((secret) => typeof secret === "string");
}

function refusedIsNothing(failure: unknown): undefined {
  if (
    typeof failure === "object" &&
    failure !== null &&
    "code" in failure &&
    failure.code === "ERR_UPSTREAM_REJECTED"
  ) {
    return undefined;
  }
  throw failure;
}

function originOf(preset: string, domain: string): string {
  const host = requireExactText(`${preset}: domain`, domain);
  requireThat(
    /^[a-z0-9.-]+$/i.test(host),
    `${preset}: domain must be a host name without https://, such as example.${preset}.com.`,
  );
  return `https://${host}`;
}
