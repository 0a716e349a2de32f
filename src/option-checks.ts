import { ConfigurationError } from "./errors.ts";
import { isLoopbackHost } from "./provider/oauth/redirect-uri.ts";
import { isScope } from "./provider/oauth/scopes.ts";

/** @throws `ConfigurationError` for anything but a string with something in it. */
export function text(name: string, value: unknown): string {
  if (typeof value !== "string" || value.trim() === "") {
    throw new ConfigurationError(`${name} is missing: give it a non-empty string.`);
  }
  return value;
}

/**
 * An https URL, or an http one on loopback. Keeps a string as it was written: issuers are compared byte for byte, and a
 * URL object would add a slash.
 *
 * @throws `ConfigurationError`.
 */
export function httpUrl(name: string, value: unknown): string {
  const given = value instanceof URL ? value.href.replace(/\/$/, "") : value;
  if (typeof given !== "string" || !URL.canParse(given)) {
    throw new ConfigurationError(`${name} must be an absolute URL, such as "https://mcp.example.org".`);
  }
  const url = new URL(given);
  // What a URL parser would forgive is published as it was written, and clients compare it.
  if (!/^https?:\/\/[^/\\]/i.test(given) || given.includes("\\")) {
    throw new ConfigurationError(`${name} must have two slashes after its scheme, and no backslash.`);
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopbackHost(url.hostname))) {
    throw new ConfigurationError(`${name} must use https; plain http is for loopback hosts only.`);
  }
  if (url.username !== "" || url.password !== "" || /[?#\s]/.test(given)) {
    throw new ConfigurationError(`${name} must not have user information, a query, a fragment or white space.`);
  }
  return given;
}

/** @throws `ConfigurationError` for anything but a list of scopes. */
export function scopeList(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || !value.every((scope) => typeof scope === "string" && isScope(scope))) {
    throw new ConfigurationError(`${name} must be a list of scopes without spaces, such as ["user"].`);
  }
  return [...new Set(value)];
}

/** @throws `ConfigurationError` for a duration that is not above 0 and up to `max`. */
export function duration(
  name: string,
  value: number | undefined,
  fallback: number,
  max: number,
  unit: "seconds" | "milliseconds",
): number {
  if (value === undefined) return fallback;
  if (!Number.isFinite(value) || value <= 0 || value > max) {
    throw new ConfigurationError(`${name} must be a number of ${unit} above 0 and up to ${max}.`);
  }
  return value;
}
