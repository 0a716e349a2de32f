import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import type { Adapter, ClientMetadata, Configuration, KoaContextWithOIDC, Provider } from "oidc-provider";
import { z } from "zod";
import { randomIdentifier } from "../identifiers.ts";
import type { EmulatedClients, RegisteredClient } from "./emulated-clients.ts";
import { sessionCookie } from "./logout-endpoint.ts";
import { loadOidcProvider } from "./oidc-provider.ts";
import { renderErrorPage } from "./pages.ts";
import type { AuthnParts } from "./parts.ts";
import { pageHeaders } from "./replies.ts";
import { oauthRoutes } from "./routes.ts";
import type { KnownUser } from "./user-directory.ts";

const statePattern = /^[a-zA-Z0-9_\-+/=.]{8,999}$/;
const hourSeconds = 60 * 60;

/** What an introspection says of a live token. */
const activeIntrospection = z.object({
  active: z.literal(true),
  client_id: z.string(),
  exp: z.number(),
  iat: z.number(),
  aud: z.unknown(),
  sub: z.string().optional(),
});

/**
 * AuthN's OAuth server on `oidc-provider`, with Pangea's paths, token forms and rules.
 *
 * @throws {ConfigurationError} when `oidc-provider` is not installed.
 */
export async function createAuthorizationServer(parts: AuthnParts): Promise<Provider> {
  const oidc = loadOidcProvider();
  const { issuer, users, clients, storage } = parts;
  const { authorization, token, introspection, revocation, jwks } = oauthRoutes;

  // Every default of oidc-provider that announces itself on the console is replaced here, so it has nothing to say.
  const configuration: Configuration = {
    adapter: (model) => (model === "Client" ? clientAdapter(parts) : storage.adapter(model)),
    clientBasedCORS: () => false,
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    clientAuthMethods: ["client_secret_basic", "client_secret_post"],
    clockTolerance: 0,
    conformIdTokenClaims: false,
    allowOmittingSingleRegisteredRedirectUri: false,
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["name", "given_name", "family_name", "preferred_username"],
    },
    cookies: {
      names: {
        session: sessionCookie,
        interaction: "pangea_emulator_login",
        resume: "pangea_emulator_resume",
      },
    },
    discovery: { registration_endpoint: `${issuer}${oauthRoutes.registration}` },
    expiresWithSession: () => false,
    extraParams: {
      scope: (ctx, requested, client) => {
        if (requested !== undefined || ctx.oidc.params === undefined) return;
        ctx.oidc.params.scope = clients.defaultScopes(client.clientId).join(" ");
      },
      state: (_ctx, state) => {
        if (state === undefined || !statePattern.test(state)) {
          throw new oidc.errors.InvalidRequest("state must have 8 to 999 characters of a-z A-Z 0-9 _ - + / = .");
        }
      },
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: {
        enabled: true,
        // Scopes are open-ended at Pangea, and oidc-provider has open-ended scopes for resource servers alone.
        defaultResource: (_ctx, _client, oneOf) => oneOf?.[0] ?? issuer,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource, client) => {
          const scopes = resourceScopes(ctx, resource, clients.defaultScopes(client.clientId));
          const refused = clients.refusedScopes(client.clientId, scopes);
          if (refused.length > 0) {
            throw new oidc.errors.InvalidScope("the client may not have this scope", refused.join(" "));
          }
          return {
            scope: scopes.join(" "),
            audience: audienceOf(resource, issuer, client.clientId),
            accessTokenFormat: "opaque",
          };
        },
      },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
    findAccount: (_ctx, id) => {
      const user = users.byId(id);
      return user && { accountId: user.id, claims: () => claimsOf(user) };
    },
    interactions: { url: (_ctx, interaction) => `${oauthRoutes.login}/${interaction.uid}` },
    issueRefreshToken: (_ctx, client) => parts.refreshTokens && client.grantTypeAllowed("refresh_token"),
    jwks: { keys: [await createSigningKey()] },
    loadExistingGrant: (ctx) => grantWhatIsAsked(ctx),
    pkce: { required: () => false },
    renderError: (ctx, out) => {
      ctx.set(pageHeaders);
      ctx.body = renderErrorPage(out.error, out.error_description ?? "The request could not be answered.");
    },
    responseTypes: ["code"],
    rotateRefreshToken: () => parts.refreshTokenRotation,
    routes: { authorization, token, introspection, revocation, jwks },
    scopes: ["openid", "offline_access", "email", "profile", "user"],
    ttl: {
      AccessToken: parts.accessTokenLifetimeSeconds,
      AuthorizationCode: 60,
      ClientCredentials: parts.accessTokenLifetimeSeconds,
      Grant: Math.max(parts.accessTokenLifetimeSeconds, parts.refreshTokenLifetimeSeconds),
      IdToken: hourSeconds,
      Interaction: hourSeconds,
      RefreshToken: parts.refreshTokenLifetimeSeconds,
      Session: 14 * 24 * hourSeconds,
    },
  };

  const provider = new oidc.Provider(issuer, configuration);
  useTokenForms(provider);
  useRedirectUriRule(provider, clients);
  useIntrospectionForm(provider, parts);
  return provider;
}

/** The audience of a token: the resource that the client named, or else the client itself. */
export function audienceOf(resource: string, issuer: string, clientId: string): string {
  return resource === issuer ? clientId : resource;
}

function claimsOf({ id, email, username, profile }: KnownUser) {
  const { first_name: given, last_name: family } = profile;
  return {
    sub: id,
    email,
    email_verified: true,
    preferred_username: username,
    name: [given, family].filter((name) => name !== undefined).join(" ") || username,
    given_name: given,
    family_name: family,
  };
}

/** The scopes of a resource: those asked for now, or those that were granted when the login was. */
function resourceScopes(ctx: KoaContextWithOIDC, resource: string, defaults: readonly string[]): string[] {
  const granted = ctx.oidc.entities.Grant?.getResourceScope(resource);
  if (granted !== undefined && granted !== "") return granted.split(" ");
  const requested = ctx.oidc.params?.scope;
  return typeof requested === "string" && requested !== "" ? requested.split(" ") : [...defaults];
}

/** Pangea asks for no consent: a login grants what the request asks for. Each login is a grant of its own. */
async function grantWhatIsAsked(ctx: KoaContextWithOIDC) {
  const { provider, session, client } = ctx.oidc;
  if (session?.accountId === undefined || client === undefined) return undefined;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope([...ctx.oidc.requestParamOIDCScopes]);
  for (const resource of Object.keys(ctx.oidc.resourceServers ?? {})) {
    grant.addResourceScope(resource, [...ctx.oidc.requestParamScopes]);
  }
  await grant.save();
  return grant;
}

/**
 * oidc-provider asks each token model for a new value, and for the format that goes with it. The classes belong to this
 * provider alone, so another provider in the process keeps its own form.
 */
function useTokenForms(provider: Provider): void {
  for (const [model, prefix] of [
    [provider.AccessToken, "ptu"],
    [provider.ClientCredentials, "ptu"],
    [provider.RefreshToken, "ptr"],
  ] as const) {
    Object.defineProperty(model.prototype, "generateTokenId", {
      value(this: { format?: string }): string {
        this.format = "opaque";
        return randomIdentifier(prefix);
      },
    });
  }
}

/** oidc-provider's own way to change how redirect URIs are compared (its recipe for wildcards). */
function useRedirectUriRule(provider: Provider, clients: EmulatedClients): void {
  Object.defineProperty(provider.Client.prototype, "redirectUriAllowed", {
    value(this: { readonly clientId: string }, redirectUri: string): boolean {
      return clients.isRedirectUriAllowed(this.clientId, redirectUri);
    },
  });
}

/** Adds to an introspection what Pangea says beyond RFC 7662's minimum, and puts its times on the emulator's clock. */
function useIntrospectionForm(provider: Provider, parts: AuthnParts): void {
  provider.use(async (ctx, next) => {
    await next();
    const { success, data } = activeIntrospection.safeParse(ctx.body);
    if (ctx.path !== oauthRoutes.introspection || !success) return;
    const user = parts.users.byId(data.sub ?? "");
    ctx.body = {
      ...ctx.body,
      aud: data.aud ?? data.client_id,
      exp: data.exp + parts.storage.offsetSeconds,
      iat: data.iat + parts.storage.offsetSeconds,
      username: user?.username,
      email: user?.email,
    };
  });
}

/** oidc-provider reads clients from the emulated account; it never writes one. */
function clientAdapter(parts: AuthnParts): Adapter {
  return {
    ...parts.storage.adapter("Client"),
    find: async (clientId) => {
      const client = parts.clients.find(clientId);
      return client && clientMetadata(client, parts);
    },
  };
}

function clientMetadata(client: RegisteredClient, parts: AuthnParts): ClientMetadata {
  const hasLogin = client.grantTypes.includes("authorization_code");
  return {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    // oidc-provider compares with the machine's clock: 1 is long past, 0 is never.
    client_secret_expires_at: parts.clients.isSecretExpired(client) ? 1 : 0,
    client_name: client.clientName,
    application_type: "web",
    grant_types: [...client.grantTypes, ...(hasLogin && parts.refreshTokens ? ["refresh_token"] : [])],
    response_types: hasLogin ? ["code"] : [],
    // A client that may use any loopback URI has none to list, and oidc-provider wants one.
    redirect_uris: hasLogin && client.redirectUris.length === 0 ? ["http://127.0.0.1/"] : [...client.redirectUris],
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
  };
}

async function createSigningKey() {
  const { privateKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  const { crv, x, y, d } = privateKey.export({ format: "jwk" });
  return { kty: "EC", crv, x, y, d, use: "sig", alg: "ES256" };
}
