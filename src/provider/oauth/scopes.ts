import { requireThat } from "../../option-checks.ts";

/** Asks for refresh tokens (OpenID Connect Core section 11). It opens nothing by itself, so no resource requires it. */
export const offlineAccess = "offline_access";

/**
 * Splits a `scope` parameter into its values, without repetitions (RFC 6749 section 3.3). A value with characters that no
 * scope has is left out, as every scope is that nobody knows.
 */
export function parseScope(scope: string | undefined): string[] {
  return [...new Set(scope?.split(/\s+/))].filter(isScope);
}

/** True for a scope value of RFC 6749 section 3.3: visible ASCII without `"` and `\`. */
export function isScope(value: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value);
}

/** The scopes of `wanted` that `allowed` does not have. */
export function scopesBeyond(wanted: readonly string[], allowed: readonly string[]): string[] {
  return wanted.filter((scope) => !allowed.includes(scope));
}

/**
 * The scopes that somebody gets who wants some of them (RFC 6749 section 3.3): those that are allowed. Who names no scope
 * that is allowed gets the defaults.
 */
export function narrowedScopes(
  wanted: readonly string[],
  allowed: readonly string[],
  defaults: readonly string[],
): readonly string[] {
  const known = wanted.filter((scope) => allowed.includes(scope));
  return known.length > 0 ? known : defaults;
}

/** The list that was meant by scopes in one text. */
function remedyFor(value: unknown): string {
  const texts = [value].flat().filter((text) => typeof text === "string");
  const scopes = texts.flatMap((text) => text.split(/[\s,]+/)).filter(isScope);
  return JSON.stringify(scopes.length > 0 ? [...new Set(scopes)] : ["user"]);
}

/** @throws {ConfigurationError} when the value is not a list of scopes, or several are in one text. */
export function requireScopes(name: string, value: unknown): readonly string[] {
  const isList = Array.isArray(value) && value.every((scope) => typeof scope === "string" && isScope(scope));
  requireThat(isList, `${name} must be a list of scopes without spaces, such as ${remedyFor(value)}.`);
  // RFC 6749 has the comma among the characters of a scope, and nobody uses it for anything but a list.
  const joined = value.find((scope) => scope.includes(","));
  requireThat(
    joined === undefined,
    `${name} has "${joined}" in it: give each scope by itself, ${remedyFor([joined])}.`,
  );
  return [...new Set(value)];
}

/**
 * Checks a list of scopes that a server gives out, in an option of its own.
 *
 * @param known - All scopes of the server.
 * @throws {ConfigurationError} when the value is not a list of scopes, or has one that the server does not know.
 */
export function requireScopesAmong(known: readonly string[], name: string, value: unknown): readonly string[] {
  const scopes = requireScopes(name, value);
  const [unknown] = scopesBeyond(scopes, known);
  requireThat(unknown === undefined, `${name} lists "${unknown}", which is not among the server's scopes.`);
  return scopes;
}
