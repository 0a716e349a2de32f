import { z } from "zod";
import { nullable, present, url, urlText } from "./wire.ts";

/** What decides how a client authenticates at the token endpoint (RFC 7591 section 2). */
export interface ClientAuthentication {
  readonly tokenEndpointAuthMethod: "none" | "client_secret_post" | "client_secret_basic" | "private_key_jwt";
  /** The `tokenKey` of the client secret, for clients that have one. */
  readonly secretHash?: string;
  /** When the secret expires, in epoch seconds. */
  readonly secretExpiresAt?: number;
  /** When the client's registration ends unless it is used, in epoch seconds. */
  readonly registeredUntil?: number;
  readonly grantTypes: string[];
}

/** What is stored of an authorization code. The code itself is not among it: its hash is the key. */
export interface AuthorizationCode {
  readonly clientId: string;
  readonly scopes: string[];
  /** In epoch seconds. */
  readonly expiresAt: number;
  /** The PKCE challenge, S256 (RFC 7636). */
  readonly codeChallenge: string;
  readonly redirectUri: URL;
  readonly redirectUriProvidedExplicitly: boolean;
  /** The resource that was asked for (RFC 8707). */
  readonly resource?: URL;
  /** The user's id at Pangea AuthN. */
  readonly subject?: string;
  /** The upstream tokens and the identity, sealed under the grant's data key; they wait here for the code. */
  readonly sealedUpstream?: string;
  /** The grant's data key, wrapped under the code: without the code and the configured secret it opens nothing. */
  readonly wrappedKey?: string;
  /** How the client authenticates, so that redeeming the code needs no second read. */
  readonly client?: ClientAuthentication;
}

/** @internal Checks a client's authentication where it is kept within something else. */
export const ClientAuthenticationSchema = z.object({
  tokenEndpointAuthMethod: z.enum(["none", "client_secret_post", "client_secret_basic", "private_key_jwt"]),
  secretHash: z.string().exactOptional(),
  secretExpiresAt: z.number().exactOptional(),
  registeredUntil: z.number().exactOptional(),
  grantTypes: z.array(z.string()),
});

const clientAuthenticationWire = z.object({
  token_endpoint_auth_method: ClientAuthenticationSchema.shape.tokenEndpointAuthMethod,
  secret_hash: nullable(z.string()),
  secret_expires_at: nullable(z.number()),
  registered_until: nullable(z.number()),
  grant_types: z.array(z.string()),
});

const clientAuthentication = z.codec(clientAuthenticationWire, ClientAuthenticationSchema, {
  decode: (stored) => ({
    tokenEndpointAuthMethod: stored.token_endpoint_auth_method,
    grantTypes: stored.grant_types,
    ...present({
      secretHash: stored.secret_hash,
      secretExpiresAt: stored.secret_expires_at,
      registeredUntil: stored.registered_until,
    }),
  }),
  encode: (client) => ({
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    grant_types: client.grantTypes,
    ...present({
      secret_hash: client.secretHash,
      secret_expires_at: client.secretExpiresAt,
      registered_until: client.registeredUntil,
    }),
  }),
});

const wire = z.object({
  client_id: z.string(),
  scopes: z.array(z.string()),
  expires_at: z.number(),
  code_challenge: z.string(),
  redirect_uri: urlText,
  redirect_uri_provided_explicitly: z.boolean(),
  resource: nullable(urlText),
  subject: nullable(z.string()),
  sealed_upstream: nullable(z.string()),
  wrapped_key: nullable(z.string()),
  client: nullable(clientAuthentication),
});

const domain = z.object({
  clientId: z.string(),
  scopes: z.array(z.string()),
  expiresAt: z.number(),
  codeChallenge: z.string(),
  redirectUri: url,
  redirectUriProvidedExplicitly: z.boolean(),
  resource: url.exactOptional(),
  subject: z.string().exactOptional(),
  sealedUpstream: z.string().exactOptional(),
  wrappedKey: z.string().exactOptional(),
  client: z.custom<ClientAuthentication>().exactOptional(),
});

/** Reads and writes authorization-code records; reads the Python package's, float seconds included. */
export const AuthorizationCodeSchema: z.ZodType<AuthorizationCode, z.input<typeof wire>> = z.codec(wire, domain, {
  decode: (stored) => ({
    clientId: stored.client_id,
    scopes: stored.scopes,
    expiresAt: stored.expires_at,
    codeChallenge: stored.code_challenge,
    redirectUri: new URL(stored.redirect_uri),
    redirectUriProvidedExplicitly: stored.redirect_uri_provided_explicitly,
    ...present({
      resource: typeof stored.resource === "string" ? new URL(stored.resource) : undefined,
      subject: stored.subject,
      sealedUpstream: stored.sealed_upstream,
      wrappedKey: stored.wrapped_key,
      client: stored.client,
    }),
  }),
  encode: (code) => ({
    client_id: code.clientId,
    scopes: code.scopes,
    expires_at: code.expiresAt,
    code_challenge: code.codeChallenge,
    redirect_uri: code.redirectUri.href,
    redirect_uri_provided_explicitly: code.redirectUriProvidedExplicitly,
    ...present({
      resource: code.resource?.href,
      subject: code.subject,
      sealed_upstream: code.sealedUpstream,
      wrapped_key: code.wrappedKey,
      client: code.client,
    }),
  }),
});
