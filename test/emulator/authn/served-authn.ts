import { createServer } from "node:http";
import * as oauth from "oauth4webapi";
import { type AuthnEmulator, createAuthnEmulator } from "../../../src/emulator/authn/authn-emulator.ts";
import { defaultEmulatorClientId, defaultEmulatorClientSecret } from "../../../src/emulator/authn/defaults.ts";
import type { AuthnEmulatorOptions } from "../../../src/emulator/authn/options.ts";
import { BrowserSession, type LoginOptions } from "../../support/browser-session.ts";

/** The service token that {@link serveAuthn} accepts. */
export const serviceToken = "pts_testtesttesttesttesttesttesttest";

/** The redirect URI of the tests' client. Nothing listens there: the browser session stops before it. */
export const redirectUri = "http://127.0.0.1:9/callback";

export const ada = { username: "ada@example.com", password: "password" };

const insecure = { [oauth.allowInsecureRequests]: true };

/** An emulator behind a real port, and a real OAuth client of it. */
export interface ServedAuthn extends AsyncDisposable {
  readonly issuer: string;
  readonly authn: AuthnEmulator;
  readonly server: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly clientAuthentication: oauth.ClientAuth;
}

export async function serveAuthn(options: Partial<AuthnEmulatorOptions> = {}): Promise<ServedAuthn> {
  let authn: AuthnEmulator | undefined;
  const http = createServer((request, response) => {
    authn
      ?.handle(request, response)
      .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  const issuer = `http://127.0.0.1:${address.port}`;
  const emulator = await createAuthnEmulator({
    issuer,
    isServiceTokenAccepted: (authorization) => authorization === `Bearer ${serviceToken}`,
    ...options,
  });
  authn = emulator;
  const discovered = await oauth.discoveryRequest(new URL(issuer), { algorithm: "oauth2", ...insecure });
  return {
    issuer,
    authn: emulator,
    server: await oauth.processDiscoveryResponse(new URL(issuer), discovered),
    client: { client_id: options.clients?.[0]?.clientId ?? defaultEmulatorClientId },
    clientAuthentication: oauth.ClientSecretPost(options.clients?.[0]?.clientSecret ?? defaultEmulatorClientSecret),
    async [Symbol.asyncDispose]() {
      await emulator[Symbol.asyncDispose]();
      http.closeAllConnections();
      await new Promise((closed) => http.close(closed));
    },
  };
}

/** What an authorization request may say besides the client, the redirect URI, the state and the challenge. */
export type AuthorizationParameters = Readonly<Record<string, string>>;

export interface AuthorizationRequest {
  readonly url: URL;
  readonly state: string;
  readonly codeVerifier: string;
}

export async function authorizationRequest(
  served: ServedAuthn,
  parameters: AuthorizationParameters = {},
): Promise<AuthorizationRequest> {
  const state = oauth.generateRandomState();
  const codeVerifier = oauth.generateRandomCodeVerifier();
  const url = new URL(served.server.authorization_endpoint ?? "");
  url.search = new URLSearchParams({
    client_id: served.client.client_id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "user",
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: "S256",
    ...parameters,
  }).toString();
  return { url, state, codeVerifier };
}

/** Logs in through the browser and exchanges the code: the whole flow of a well-behaved client. */
export async function logIn(
  served: ServedAuthn,
  {
    login = ada,
    parameters = {},
    browser = new BrowserSession(),
  }: { login?: LoginOptions; parameters?: AuthorizationParameters; browser?: BrowserSession } = {},
): Promise<oauth.TokenEndpointResponse> {
  const request = await authorizationRequest(served, parameters);
  const callback = await browser.login(request.url, login);
  return await exchange(served, callback, request, parameters.redirect_uri);
}

export async function exchange(
  served: ServedAuthn,
  callback: URL,
  request: Pick<AuthorizationRequest, "state" | "codeVerifier">,
  redirect: string = redirectUri,
): Promise<oauth.TokenEndpointResponse> {
  const response = await oauth.authorizationCodeGrantRequest(
    served.server,
    served.client,
    served.clientAuthentication,
    oauth.validateAuthResponse(served.server, served.client, callback, request.state),
    redirect,
    request.codeVerifier,
    insecure,
  );
  return await oauth.processAuthorizationCodeResponse(served.server, served.client, response);
}

export async function refresh(served: ServedAuthn, refreshToken: string): Promise<oauth.TokenEndpointResponse> {
  const response = await oauth.refreshTokenGrantRequest(
    served.server,
    served.client,
    served.clientAuthentication,
    refreshToken,
    insecure,
  );
  return await oauth.processRefreshTokenResponse(served.server, served.client, response);
}

export async function introspect(served: ServedAuthn, token: string): Promise<oauth.IntrospectionResponse> {
  const response = await oauth.introspectionRequest(
    served.server,
    served.client,
    served.clientAuthentication,
    token,
    insecure,
  );
  return await oauth.processIntrospectionResponse(served.server, served.client, response);
}

export async function revoke(served: ServedAuthn, token: string): Promise<void> {
  const response = await oauth.revocationRequest(
    served.server,
    served.client,
    served.clientAuthentication,
    token,
    insecure,
  );
  await oauth.processRevocationResponse(response);
}

/** The value, for a test that cannot go on without it. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("The value is missing");
  return value;
}
