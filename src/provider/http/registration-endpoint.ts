import { OAuthError } from "../../errors.ts";
import { isSameText } from "../../secrets/constant-time.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import type { ClientRegistry } from "../clients/client-registry.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { Answer } from "./answer.ts";
import type { RateLimits } from "./rate-limits.ts";
import { readJson } from "./request-body.ts";
import { jsonAnswer, oauthErrorAnswer } from "./responses.ts";

/** Makes the registration endpoint, `POST /register` (RFC 7591). */
export function registrationEndpoint(
  {
    registration,
    reporter,
    requestTimeout,
  }: Pick<ProviderConfiguration, "registration" | "reporter" | "requestTimeout">,
  registry: ClientRegistry,
  rateLimits: Pick<RateLimits, "count">,
): (request: Request, caller: string | undefined) => Promise<Answer> {
  return async (request, caller) => {
    try {
      checkInitialAccessToken(registration.initialAccessTokens, request.headers.get("authorization"));
      const metadata = await readJson(request, requestTimeout);
      // A client that was here before leaves no new record, so no flood of strangers stands in its way.
      const client = await registry.register(metadata, () => rateLimits.count("newClients", caller));
      return jsonAnswer(client, { status: 201 });
    } catch (failure) {
      return refusal(reporter.refusal("register", failure));
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

function refusal(error: OAuthError): Answer {
  if (error.error === "invalid_token") {
    return oauthErrorAnswer(error, { "www-authenticate": `Bearer error="invalid_token"` });
  }
  // RFC 7591 section 3.2.2 has its own name for a request that it cannot take.
  if (error.error !== "invalid_request") return oauthErrorAnswer(error);
  return oauthErrorAnswer(new OAuthError("invalid_client_metadata", error.message, { status: error.status }));
}
