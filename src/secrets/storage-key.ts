import { hash } from "node:crypto";
import { requireThat } from "../option-checks.ts";

/** The storage key of a secret: `sha256-` and the standard base64 of its SHA-256, as in subresource integrity. */
export type TokenKey = `sha256-${string}`;

/**
 * The key that a secret is stored under, so that the secret itself is never in the store. It is the form that the
 * Python package uses for access tokens.
 *
 * @throws {ConfigurationError} when the secret is no string.
 *
 * @example
 * ```ts
 * tokenKey("abc"); // "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
 * ```
 */
export function tokenKey(secret: string): TokenKey {
  requireThat(typeof secret === "string", "tokenKey() needs the secret as a string.");
  return `sha256-${hash("sha256", secret, "base64")}`;
}

/**
 * The key of a secret of one kind. The label keeps the kinds apart: the same text under two labels has two keys.
 *
 * @example
 * ```ts
 * storageKey("refresh token", presented) !== storageKey("authorization code", presented);
 * ```
 */
export function storageKey(label: string, secret: string): TokenKey {
  return tokenKey(`${label}\0${secret}`);
}
