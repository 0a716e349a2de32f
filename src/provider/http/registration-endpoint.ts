import { OAuthError } from "../../errors.ts";
import { isSameText } from "../../secrets/constant-time.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import type { ClientRegistry } from "../clients/client-registry.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { reportFailure } from "../oauth-failure.ts";
import { readJson } from "./request-body.ts";
import { jsonResponse, oauthErrorResponse } from "./responses.ts";

/** The registration endpoint (RFC 7591). */
export class RegistrationEndpoint {
  readonly #configuration: ProviderConfiguration;
  readonly #registry: ClientRegistry;

  constructor(configuration: ProviderConfiguration, registry: ClientRegistry) {
    this.#configuration = configuration;
    this.#registry = registry;
  }

  /** `POST /register`. */
  async register(request: Request): Promise<Response> {
    try {
      this.#checkInitialAccessToken(request.headers.get("authorization"));
      const metadata = await readJson(request, this.#configuration.requestTimeout);
      return jsonResponse(await this.#registry.register(metadata), { status: 201 });
    } catch (failure) {
      return refusal(reportFailure(failure));
    }
  }

  /** RFC 7591 section 3: a token that was handed out beforehand, where the configuration asks for one. */
  #checkInitialAccessToken(authorization: string | null): void {
    const { initialAccessTokens } = this.#configuration.registration;
    if (initialAccessTokens.length === 0) return;
    const shown = tokenKey(/^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "");
    if (!initialAccessTokens.some((hash) => isSameText(hash, shown))) {
      throw new OAuthError("invalid_token", "Registration needs the initial access token of this server.");
    }
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
