import { requireText, requireThat } from "../../option-checks.ts";

/** What a login depends on: an upstream gives each of them its value, and with another one no login would come back. */
const reserved: readonly string[] = [
  "client_id",
  "response_type",
  "response_mode",
  "redirect_uri",
  "scope",
  "state",
  "nonce",
  "code_challenge",
  "code_challenge_method",
  "request",
  "request_uri",
];

/**
 * Checks the further parameters of an authorization request.
 *
 * @param owner - The function that takes the option, for the message.
 * @throws {ConfigurationError} when a parameter is no text, or is one that the upstream sets.
 */
export function requireAuthorizationParameters(
  owner: string,
  parameters: Readonly<Record<string, unknown>> | undefined,
): void {
  for (const [name, value] of Object.entries(parameters ?? {})) {
    const option = `${owner}: authorizationParameters.${name}`;
    const remedy = name === "scope" ? "give scopes" : "leave it out";
    requireThat(!reserved.includes(name), `${option} is set by ${owner} for every login: ${remedy}.`);
    requireText(option, value);
  }
}
