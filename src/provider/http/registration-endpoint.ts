import { OAuthError } from "../../errors.ts";
import { isSameText } from "../../secrets/constant-time.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import type { ClientRegistry } from "../clients/client-registry.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { reportFailure } from "../oauth-failure.ts";
import { readJson } from "./request-body.ts";
import { jsonResponse, oauthErrorResponse } from "./responses.ts";

/** Makes the registration endpoint, `POST /register` (RFC 7591). */
export function registrationEndpoint(
  { registration, requestTimeout }: Pick<ProviderConfiguration, "registration" | "requestTimeout">,
  registry: ClientRegistry,
): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      checkInitialAccessToken(registration.initialAccessTokens, request.headers.get("authorization"));
      return jsonResponse(await registry.register(await readJson(request, requestTimeout)), { status: 201 });
    } catch (failure) {
      return refusal(reportFailure(failure));
    }
  };
}

/** RFC 7591 section 3: a token that was handed out beforehand, where the configuration asks for one. */
function checkInitialAccessToken(hashes: readonly string[], authorization: string | null): void {
  if (hashes.length === 0) return;
  const shown = tokenKey(/^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "");
  if (!hashes.some((hash) => isSameText(hash, shown))) {
    throw new OAuthError("invalid_token", "Registration needs the initial access token of this server.");
  }
}

function refusal(error: OAuthError): Response {
  if (error.error === "invalid_token") {
    return oauthErrorResponse(error, { "www-authenticate": `Bearer error="invalid_token"` });
  }
  // RFC 7591 section 3.2.2 has its own name for a request that it cannot take.
  if (error.error !== "invalid_request") return oauthErrorResponse(error);
  return oauthErrorResponse(new OAuthError("invalid_client_metadata", error.message, { status: error.status }));
}
