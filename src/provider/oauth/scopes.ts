import { OAuthError } from "../../errors.ts";
import { requireThat } from "../../option-checks.ts";

/** Asks for refresh tokens (OpenID Connect Core section 11). It opens nothing by itself, so no resource requires it. */
export const offlineAccess = "offline_access";

/**
 * Splits a `scope` parameter into its values, without repetitions (RFC 6749 section 3.3).
 *
 * @throws {OAuthError} with `invalid_scope` when there are characters that a scope cannot have.
 */
export function parseScope(scope: string | undefined): string[] {
  if (scope === undefined) return [];
  const scopes = [...new Set(scope.split(" ").filter((value) => value !== ""))];
  if (!scopes.every(isScope)) throw new OAuthError("invalid_scope", "A scope has characters that RFC 6749 forbids.");
  return scopes;
}

/** True for a scope value of RFC 6749 section 3.3: visible ASCII without `"` and `\`. */
export function isScope(value: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value);
}

/** The scopes of `wanted` that `allowed` does not have. */
export function scopesBeyond(wanted: readonly string[], allowed: readonly string[]): string[] {
  return wanted.filter((scope) => !allowed.includes(scope));
}

/** @throws {ConfigurationError} when the value is not a list of scopes. */
export function requireScopes(name: string, value: unknown): readonly string[] {
  const isList = Array.isArray(value) && value.every((scope) => typeof scope === "string" && isScope(scope));
  requireThat(isList, `${name} must be a list of scopes without spaces, such as ["user"].`);
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
