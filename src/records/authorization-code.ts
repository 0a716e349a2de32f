import { z } from "zod";
import { flag, number, optional, record, text, texts, url } from "./record.ts";

/** What decides how a client authenticates at the token endpoint (RFC 7591 section 2). */
export interface ClientAuthentication {
  readonly tokenEndpointAuthMethod: "none" | "client_secret_post" | "client_secret_basic" | "private_key_jwt";
  /** The `tokenKey` of the client secret, where the client has one. Not stored for a client that the options name. */
  readonly secretHash?: string;
  /** When the secret expires, in epoch seconds. */
  readonly secretExpiresAt?: number;
  /** When the client's registration ends unless it is used, in epoch seconds. */
  readonly registeredUntil?: number;
  readonly grantTypes: string[];
}

/** What is stored of an authorization code, under a key that follows from its grant's handle. The code is not among it. */
export interface AuthorizationCode {
  readonly clientId: string;
  readonly scopes: string[];
  /** When the record is gone, in epoch seconds: later than the code ends, for instances whose clocks are ahead. */
  readonly expiresAt: number;
  /** When the code ends for the instance that issued it, by its own clock, in epoch seconds. */
  readonly endsAt?: number;
  /** The instance that issued the code. Another one has another clock. */
  readonly issuedBy?: string;
  /** The PKCE challenge, S256 (RFC 7636). */
  readonly codeChallenge: string;
  readonly redirectUri: URL;
  /** The resource that was asked for (RFC 8707). */
  readonly resource?: URL;
  /** True where the client named the resource, so that the token response has to name it too. */
  readonly namesResource?: true;
  /** The user's id upstream. */
  readonly subject?: string;
  /** The issuer of the upstream that the user logged in at. */
  readonly upstreamIssuer?: string;
  /** The grant that the code leads to, for whoever ends that grant before the code was redeemed. */
  readonly grantId?: string;
  /** The upstream tokens and the identity, sealed under the grant's data key; they wait here for the code. */
  readonly sealedUpstream?: string;
  /** The keys of the grant's first step, wrapped under the code: without code and configured secret they open nothing. */
  readonly wrappedKey?: string;
  /** Whether the person has allowed refresh tokens by the scope `offline_access`. */
  readonly offlineAccess?: true;
  /** How the client authenticates, so that redeeming the code needs no second read. */
  readonly client?: ClientAuthentication;
}

/** @internal Reads and writes a client's authentication where it is kept within something else. */
export const ClientAuthenticationSchema = record<ClientAuthentication>({
  tokenEndpointAuthMethod: z.enum(["none", "client_secret_post", "client_secret_basic", "private_key_jwt"]),
  secretHash: optional(text),
  secretExpiresAt: optional(number),
  registeredUntil: optional(number),
  grantTypes: texts,
});

/** Reads and writes authorization-code records; reads the Python package's, float seconds included. */
export const AuthorizationCodeSchema = record<AuthorizationCode>({
  clientId: text,
  scopes: texts,
  expiresAt: number,
  endsAt: optional(number),
  issuedBy: optional(text),
  codeChallenge: text,
  redirectUri: url,
  resource: optional(url),
  namesResource: optional(flag),
  subject: optional(text),
  upstreamIssuer: optional(text),
  grantId: optional(text),
  sealedUpstream: optional(text),
  wrappedKey: optional(text),
  offlineAccess: optional(flag),
  client: optional(ClientAuthenticationSchema),
});
