import { OAuthError } from "../../errors.ts";
import type { ClientAuthentication } from "../../records/authorization-code.ts";
import { type ClientCredentials, readClientCredentials } from "../clients/client-authentication.ts";
import type { ClientAuthenticator } from "../clients/client-authenticator.ts";
import type { ClientRegistry } from "../clients/client-registry.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { reportFailure } from "../oauth-failure.ts";
import type { CodeRedemption } from "../tokens/code-redemption.ts";
import type { RefreshRotation } from "../tokens/refresh-rotation.ts";
import type { TokenResponse } from "../tokens/token-records.ts";
import type { TokenRevoker } from "../tokens/token-revoker.ts";
import { type OAuthParameters, readForm } from "./request-body.ts";
import { jsonResponse, oauthErrorResponse } from "./responses.ts";

/** The token and revocation endpoints (RFC 6749 section 3.2, RFC 7009): the ones where clients authenticate. */
export class TokenEndpoint {
  readonly #configuration: ProviderConfiguration;
  readonly #authenticator: ClientAuthenticator;
  readonly #registry: ClientRegistry;
  readonly #codes: CodeRedemption;
  readonly #refreshes: RefreshRotation;
  readonly #revoker: TokenRevoker;

  constructor(
    configuration: ProviderConfiguration,
    parts: {
      readonly authenticator: ClientAuthenticator;
      readonly registry: ClientRegistry;
      readonly codes: CodeRedemption;
      readonly refreshes: RefreshRotation;
      readonly revoker: TokenRevoker;
    },
  ) {
    this.#configuration = configuration;
    this.#authenticator = parts.authenticator;
    this.#registry = parts.registry;
    this.#codes = parts.codes;
    this.#refreshes = parts.refreshes;
    this.#revoker = parts.revoker;
  }

  async token(request: Request): Promise<Response> {
    return this.#answer(request, async (form, credentials) => {
      const grantType = form.get("grant_type");
      if (grantType === undefined) throw new OAuthError("invalid_request", "grant_type is missing.");
      if (grantType === "authorization_code") return jsonResponse(await this.#redeemCode(form, credentials));
      if (grantType === "refresh_token") return jsonResponse(await this.#refresh(form, credentials));
      await this.#authenticator.authenticate(credentials);
      throw new OAuthError("unsupported_grant_type", "grant_type may be authorization_code or refresh_token.");
    });
  }

  async revoke(request: Request): Promise<Response> {
    return this.#answer(request, async (form, credentials) => {
      const token = form.get("token");
      await this.#authenticator.authenticate(credentials);
      if (token === undefined) throw new OAuthError("invalid_request", "token is missing.");
      await this.#revoker.revoke(credentials.clientId, token);
      return jsonResponse({});
    });
  }

  async #redeemCode(form: OAuthParameters, credentials: ClientCredentials): Promise<TokenResponse> {
    const code = form.get("code");
    const codeVerifier = form.get("code_verifier");
    const redirectUri = form.get("redirect_uri");
    const resource = form.get("resource");
    if (code === undefined) throw new OAuthError("invalid_request", "code is missing.");
    if (codeVerifier === undefined) throw new OAuthError("invalid_request", "code_verifier is missing; use PKCE.");
    // The code's record knows how its client authenticates, which saves a read of the client's own record.
    let client: ClientAuthentication | undefined;
    const tokens = await this.#codes.redeem(
      { clientId: credentials.clientId, code, codeVerifier, redirectUri, resource },
      async (known) => {
        client = await this.#authenticator.authenticate(credentials, known);
      },
    );
    await this.#registry.renew(credentials.clientId, client?.registeredUntil);
    return tokens;
  }

  async #refresh(form: OAuthParameters, credentials: ClientCredentials): Promise<TokenResponse> {
    const refreshToken = form.get("refresh_token");
    const scope = form.get("scope");
    const resource = form.get("resource");
    if (refreshToken === undefined) throw new OAuthError("invalid_request", "refresh_token is missing.");
    const { clientId } = credentials;
    const client = await this.#authenticator.authenticate(credentials);
    const { grantTypes } = client;
    const tokens = await this.#refreshes.refresh({ clientId, grantTypes, refreshToken, scope, resource });
    await this.#registry.renew(clientId, client.registeredUntil);
    return tokens;
  }

  async #answer(
    request: Request,
    respond: (form: OAuthParameters, credentials: ClientCredentials) => Promise<Response>,
  ): Promise<Response> {
    const authorization = request.headers.get("authorization");
    try {
      const form = await readForm(request, this.#configuration.requestTimeout);
      const shown = {
        client_id: form.get("client_id"),
        client_secret: form.get("client_secret"),
        client_assertion: form.get("client_assertion"),
        client_assertion_type: form.get("client_assertion_type"),
      };
      return await respond(form, readClientCredentials(authorization, shown));
    } catch (failure) {
      const error = reportFailure(failure);
      if (error.error === "invalid_client" && authorization !== null) {
        return oauthErrorResponse(error, { "www-authenticate": 'Basic realm="token"' });
      }
      if (error.error === "invalid_grant" && this.#configuration.invalidGrantStatus !== error.status) {
        return oauthErrorResponse(
          new OAuthError("invalid_grant", error.message, { status: this.#configuration.invalidGrantStatus }),
        );
      }
      return oauthErrorResponse(error);
    }
  }
}
