import { requireExactText, requireThat } from "../../option-checks.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import type { ScopeHierarchy } from "../oauth/scope-hierarchy.ts";
import { requireScopesAmong, scopesBeyond } from "../oauth/scopes.ts";
import type { ClientRegistrationOptions } from "./client-options.ts";
import { day, type Lifetimes, longestSeconds, requireSeconds } from "./lifetimes.ts";

/** How clients may register themselves, checked and complete. */
export interface RegistrationConfiguration {
  readonly enabled: boolean;
  readonly validScopes: readonly string[];
  readonly defaultScopes: readonly string[];
  /** In seconds; 0 for ever. */
  readonly clientSecretLifetime: number;
  /** In seconds. */
  readonly firstLoginWithin: number;
  /** In seconds. */
  readonly unusedLifetime: number;
  /** The hashes of the initial access tokens, one of which a registration needs; empty where anybody may register. */
  readonly initialAccessTokens: readonly string[];
}

/**
 * Checks the options of registration and fills in the defaults.
 *
 * @param scopes - All that the server knows.
 * @param hierarchy - Who may have a scope may have what that implies.
 * @param lifetimes - How long what a registered client has is good.
 * @throws {ConfigurationError} when an option is wrong.
 */
export function configureRegistration(
  options: ClientRegistrationOptions = {},
  scopes: readonly string[],
  hierarchy: ScopeHierarchy,
  lifetimes: Pick<Lifetimes, "grant" | "refreshToken">,
): RegistrationConfiguration {
  const among = (name: "validScopes" | "defaultScopes", fallback: readonly string[]) =>
    requireScopesAmong(scopes, `clientRegistration.${name}`, options[name] ?? fallback);
  const { clientSecretLifetimeSeconds: ofSecrets = 0, firstLoginWithinSeconds } = options;
  const lifetime = (name: string, given: number | undefined, fallback: number) =>
    requireSeconds(`clientRegistration.${name}`, given, fallback);
  const unusedLifetime = lifetime("unusedLifetimeSeconds", options.unusedLifetimeSeconds, unusedLifetimeFor(lifetimes));
  const validScopes = hierarchy.withImplied(among("validScopes", scopes));
  const defaultScopes = among("defaultScopes", validScopes);
  for (const name of ["validScopes", "defaultScopes"] as const) {
    const isEmpty = options[name]?.length === 0;
    requireThat(!isEmpty, `clientRegistration.${name} is empty: name a scope at least, or leave the option out.`);
  }
  const [beyond] = scopesBeyond(defaultScopes, validScopes);
  requireThat(beyond === undefined, `clientRegistration.defaultScopes lists "${beyond}", which validScopes lacks.`);
  return {
    enabled: options.enabled ?? true,
    validScopes,
    defaultScopes,
    clientSecretLifetime: ofSecrets === 0 ? 0 : lifetime("clientSecretLifetimeSeconds", ofSecrets, 0),
    firstLoginWithin: Math.min(unusedLifetime, lifetime("firstLoginWithinSeconds", firstLoginWithinSeconds, day)),
    unusedLifetime,
    initialAccessTokens: initialAccessTokens(options.initialAccessToken),
  };
}

/**
 * How long a registration is kept where the options do not say: a client that comes back with a live refresh token has to be known.
 * The end of a registration is written once in a 90th of this time, so it may be as much nearer. A 45th covers that and clocks.
 */
function unusedLifetimeFor({ grant, refreshToken }: Pick<Lifetimes, "grant" | "refreshToken">): number {
  const longestIdle = Math.min(grant, refreshToken);
  return Math.min(longestSeconds, Math.max(90 * day, Math.ceil(longestIdle * (1 + 1 / 45))));
}

function initialAccessTokens(given: string | readonly string[] | undefined): readonly string[] {
  if (given === undefined) return [];
  const tokens: unknown = typeof given === "string" ? [given] : given;
  const name = "clientRegistration.initialAccessToken";
  for (const token of Array.isArray(tokens) ? tokens : []) requireExactText(name, token);
  // A bearer token has no white space (RFC 6750 section 2.1): a token with a line break would never be shown.
  const isToken = (token: unknown) => typeof token === "string" && token.length >= 16 && !/\s/.test(token);
  requireThat(
    Array.isArray(tokens) && tokens.length > 0 && tokens.every(isToken),
    `${name} must be a token of 16 characters or more without white space, or a list of some.`,
  );
  return tokens.map((token: string) => tokenKey(token));
}
