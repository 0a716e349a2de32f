import { OAuthError } from "../../errors.ts";
import { type ClientCredentials, readClientCredentials } from "../clients/client-authentication.ts";
import type { AuthenticateClient } from "../clients/client-authenticator.ts";
import type { ClientRegistry } from "../clients/client-registry.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { requestedResource } from "../oauth/resource.ts";
import type { CodeRedemption } from "../tokens/code-redemption.ts";
import type { RefreshRotation } from "../tokens/refresh-rotation.ts";
import type { TokenResponse } from "../tokens/token-response.ts";
import { type RevokerParts, revokeToken } from "../tokens/token-revoker.ts";
import type { Answer } from "./answer.ts";
import { type OAuthParameters, readForm } from "./request-body.ts";
import { jsonAnswer, oauthErrorAnswer } from "./responses.ts";

/** What the token and revocation endpoints are made of. */
export type TokenEndpointParts = Pick<ProviderConfiguration, "invalidGrantStatus" | "requestTimeout"> &
  RevokerParts & {
    readonly authenticateClient: AuthenticateClient;
    readonly registry: ClientRegistry;
    readonly codes: CodeRedemption;
    readonly refreshes: RefreshRotation;
  };

/** The token and revocation endpoints (RFC 6749 section 3.2, RFC 7009): the ones where clients authenticate. */
export class TokenEndpoint {
  readonly #parts: TokenEndpointParts;

  constructor(parts: TokenEndpointParts) {
    this.#parts = parts;
  }

  async token(request: Request): Promise<Answer> {
    return this.#answer("token", request, async (form, credentials) => {
      const grantType = form.require("grant_type");
      if (grantType === "authorization_code") return this.#redeemCode(form, credentials);
      if (grantType === "refresh_token") return this.#refresh(form, credentials);
      await this.#parts.authenticateClient(credentials);
      throw new OAuthError("unsupported_grant_type", "grant_type may be authorization_code or refresh_token.");
    });
  }

  async revoke(request: Request): Promise<Answer> {
    return this.#answer("revoke", request, async (form, credentials) => {
      const token = form.require("token");
      await this.#parts.authenticateClient(credentials);
      await revokeToken(this.#parts, credentials.clientId, token);
      return {};
    });
  }

  async #redeemCode(form: OAuthParameters, credentials: ClientCredentials): Promise<TokenResponse> {
    const { authenticateClient, codes, registry } = this.#parts;
    const { clientId } = credentials;
    const request = {
      clientId,
      isProven: isProven(credentials),
      code: form.require("code"),
      codeVerifier: form.require("code_verifier", "; use PKCE"),
      redirectUri: form.get("redirect_uri"),
      resource: requestedResource(this.#parts.resource, form.getAll("resource")),
    };
    let renewal: Promise<void> | undefined;
    try {
      const { tokens, client: shown } = await codes.redeem(request, async (known) => {
        // The code's record knows how its client authenticates, which saves a read of the client's own record.
        const client = await authenticateClient(credentials, known);
        // There is a code, so somebody has logged in. The renewal takes no time of its own: it goes on beside what the answer
        // needs to have written.
        if (known !== undefined) renewal = registry.renewIfDue(clientId, client);
        return client;
      });
      renewal ??= registry.renewIfDue(clientId, shown);
      return tokens;
    } finally {
      await renewal;
    }
  }

  async #refresh(form: OAuthParameters, credentials: ClientCredentials): Promise<TokenResponse> {
    const { authenticateClient, refreshes, registry } = this.#parts;
    const { clientId } = credentials;
    const request = {
      clientId,
      isProven: isProven(credentials),
      refreshToken: form.require("refresh_token"),
      scope: form.get("scope"),
      resource: requestedResource(this.#parts.resource, form.getAll("resource")),
    };
    const { tokens, client } = await refreshes.refresh(request, () => authenticateClient(credentials));
    await registry.renewIfDue(clientId, client);
    return tokens;
  }

  async #answer(
    route: "token" | "revoke",
    request: Request,
    respond: (form: OAuthParameters, credentials: ClientCredentials) => Promise<object>,
  ): Promise<Answer> {
    const { invalidGrantStatus, requestTimeout, announcements, reporter } = this.#parts;
    const authorization = request.headers.get("authorization");
    try {
      const form = await readForm(request, requestTimeout);
      return jsonAnswer(await respond(form, readClientCredentials(authorization, form)));
    } catch (failure) {
      // Where the store does not say who has the key, that failure is what there is to tell.
      const explained = await announcements.explain(failure).catch((other: unknown) => other);
      const error = reporter.refusal(route, explained);
      if (error.error === "invalid_client" && authorization !== null) {
        return oauthErrorAnswer(error, { "www-authenticate": 'Basic realm="token"' });
      }
      return oauthErrorAnswer(
        error.error === "invalid_grant"
          ? new OAuthError("invalid_grant", error.message, { status: invalidGrantStatus })
          : error,
      );
    }
  }
}

function isProven({ secret, assertion }: ClientCredentials): boolean {
  return secret !== undefined || assertion !== undefined;
}
