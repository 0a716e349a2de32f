import { ConfigurationError } from "./errors.ts";

/** @throws `ConfigurationError` for anything but a string with something in it. */
export function requireText(name: string, value: unknown): string {
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
export function requireHttpUrl(name: string, value: unknown): string {
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

/** @throws `ConfigurationError` for a duration that is not above 0 and up to `max`. */
export function requireDuration(
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

/**
 * Checks a length of time that a timer is set to: one that is longer than 2 ** 31 - 1 milliseconds would fire at once.
 *
 * @param name - The option's name, for the message.
 * @param milliseconds - What was given.
 * @throws {ConfigurationError} For anything but a positive number that a timer takes.
 */
export function requireTimerLength(name: string, milliseconds: number): void {
  if (typeof milliseconds === "number" && milliseconds > 0 && milliseconds < 2 ** 31) return;
  throw new ConfigurationError(`${name} must be a positive number of milliseconds, below 2 ** 31.`);
}

/**
 * Checks a rule that an option must keep.
 *
 * @param rule - The message: it names the option and says what it should be.
 * @throws {ConfigurationError} when the option breaks the rule.
 */
export function requireThat(isKept: boolean, rule: string): asserts isKept {
  if (!isKept) throw new ConfigurationError(rule);
}

/** @throws `ConfigurationError` for what is given and is something else. A list is no object. */
export function requireKind(name: string, value: unknown, kind: "boolean" | "function" | "object"): void {
  const isList = Array.isArray(value);
  if (value === undefined || (typeof value === kind && value !== null && !isList)) return;
  throw new ConfigurationError(`${name} must be ${kind === "object" ? "an object" : `a ${kind}`}.`);
}

/**
 * Checks something that must be given and that is used by its methods.
 *
 * @throws {ConfigurationError} when it is none of that kind. The message names the methods.
 */
export function requireMethods(name: string, value: unknown, methods: readonly string[]): void {
  // A function may have methods too.
  const holder: unknown = typeof value === "function" ? value : requireGiven(value);
  const lacks = methods.filter((method) => typeof Reflect.get(Object(holder), method) !== "function");
  requireThat(lacks.length === 0, `${name} must be an object with the methods ${methods.join(", ")}.`);
}

/** What is no object has no methods that count. */
function requireGiven(value: unknown): unknown {
  return typeof value === "object" ? value : undefined;
}

/** @throws `ConfigurationError` for anything but an object that is no list. */
export function requireObject(name: string, value: unknown): void {
  requireThat(typeof value === "object" && value !== null && !Array.isArray(value), `${name} must be an object.`);
}

/** True for the host names on which plain `http` is safe, because nothing leaves the machine. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
