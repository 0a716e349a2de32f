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

/**
 * The `prompt` of a login: what the options ask for at every login, and what the client wishes beside it.
 *
 * @param always - What the options say, if anything.
 * @param wished - What the client wishes, if anything. `none` stands alone: no page is to be shown.
 * @param known - The values that the provider knows, where it refuses others. Whoever is to give a password again is asked
 * which account it is where that is all that the provider can ask.
 */
export function promptOf(
  always: string | undefined,
  wished: string | undefined,
  known?: readonly string[],
): { readonly prompt?: string } {
  if (wished === "none") return { prompt: wished };
  const values = [always, wished].flatMap((text) => text?.split(" ") ?? []);
  const isKnown = (value: string): boolean => known === undefined || known.includes(value);
  const taken = values
    .map((value) => (value === "login" && !isKnown(value) ? "select_account" : value))
    .filter(isKnown);
  const asked = new Set(taken.filter((value) => value !== "none" || wished === undefined));
  return asked.size === 0 ? {} : { prompt: [...asked].join(" ") };
}
