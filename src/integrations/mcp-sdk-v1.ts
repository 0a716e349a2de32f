import {
  CustomOAuthError,
  OAUTH_ERRORS,
  type OAuthError,
  ServerError,
} from "@modelcontextprotocol/sdk/server/auth/errors.js";
import type { McpOAuthProvider } from "../provider/mcp-oauth-provider.ts";
import { toOAuthError } from "../provider/oauth-failure.ts";

/** The members of the MCP SDK's v1 `OAuthServerProvider`. */
export type McpSdkV1Provider = Pick<
  McpOAuthProvider,
  | "clientsStore"
  | "skipLocalPkceValidation"
  | "authorize"
  | "challengeForAuthorizationCode"
  | "exchangeAuthorizationCode"
  | "exchangeRefreshToken"
  | "verifyAccessToken"
  | "revokeToken"
>;

/**
 * Adapts a provider to `mcpAuthRouter` and `requireBearerAuth` of `@modelcontextprotocol/sdk` v1, which tell errors
 * apart by classes of their own.
 *
 * The SDK's router has no callback from Pangea AuthN, so `pangeaAuth` goes after it and serves what it leaves. It writes
 * the issuer with a slash at the end: give the provider `mcpIssuerUrl` as a string in that form. It has no `iss` in
 * errors, no `client_secret_basic` and no 503: an outage of the store is `temporarily_unavailable` with status 400 at
 * its endpoints, and 500 at `requireBearerAuth`. `pangeaAuth` and `requireBearer` of the Express mount have all of that.
 *
 * @example
 * ```ts
 * const issuerUrl = new URL("https://mcp.example.org");
 * const provider = new PangeaOAuthProvider({ ...settings, mcpIssuerUrl: issuerUrl.href });
 * app.use(mcpAuthRouter({ provider: toMcpSdkV1Provider(provider), issuerUrl }));
 * app.use(pangeaAuth(provider));
 * app.all("/mcp", requireBearer(provider), handler);
 * ```
 */
export function toMcpSdkV1Provider(provider: McpSdkV1Provider): McpSdkV1Provider {
  const { getClient, registerClient } = provider.clientsStore;
  return {
    skipLocalPkceValidation: provider.skipLocalPkceValidation,
    clientsStore: {
      getClient: translated(getClient),
      ...(registerClient !== undefined && {
        registerClient: translated((client) =>
          // The default of RFC 7591 is client_secret_basic, which the SDK's router cannot read.
          registerClient({ ...client, token_endpoint_auth_method: client.token_endpoint_auth_method ?? secretInBody }),
        ),
      }),
    },
    authorize: translated((...parameters) => provider.authorize(...parameters)),
    challengeForAuthorizationCode: translated((...parameters) => provider.challengeForAuthorizationCode(...parameters)),
    exchangeAuthorizationCode: translated((...parameters) => provider.exchangeAuthorizationCode(...parameters)),
    exchangeRefreshToken: translated((...parameters) => provider.exchangeRefreshToken(...parameters)),
    verifyAccessToken: translated(
      (token) => provider.verifyAccessToken(token),
      // The SDK's middleware answers TemporarilyUnavailableError with 400, as if the request were at fault.
      (error) => (error.errorCode === "temporarily_unavailable" ? new ServerError(error.message) : error),
    ),
    revokeToken: translated((...parameters) => provider.revokeToken(...parameters)),
  };
}

const secretInBody = "client_secret_post";

/** A method that throws the SDK's errors in place of ours. */
function translated<Arguments extends readonly unknown[], Result>(
  method: (...parameters: Arguments) => Promise<Result>,
  adjust: (error: OAuthError) => OAuthError = (error) => error,
): (...parameters: Arguments) => Promise<Result> {
  return async (...parameters) => {
    try {
      return await method(...parameters);
    } catch (failure) {
      throw Object.assign(adjust(toSdkError(failure)), { cause: failure });
    }
  };
}

function toSdkError(failure: unknown): OAuthError {
  const { error, message } = toOAuthError(failure);
  const SdkError = OAUTH_ERRORS[error];
  return SdkError === undefined ? new CustomOAuthError(error, message) : new SdkError(message);
}
