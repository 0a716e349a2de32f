import { requireDuration, requireThat } from "../../option-checks.ts";
import type { McpOAuthProviderOptions } from "./options.ts";

/** A day, in seconds. */
export const day = 24 * 60 * 60;

/** The longest time that an option may give, in seconds: ten years. */
export const longestSeconds = 3650 * day;

/** How long what the provider issues is good. All in seconds. */
export type Lifetimes = Readonly<ReturnType<typeof configureLifetimes>>;

/**
 * Checks the lifetimes and fills in the defaults.
 *
 * @throws {ConfigurationError} when a lifetime is not above 0 or is too long, or a refresh token would end before the access
 * token that it is to replace.
 */
export function configureLifetimes(options: McpOAuthProviderOptions) {
  const lifetime = (name: keyof typeof options & `${string}Seconds`, fallback: number, max?: number): number =>
    requireSeconds(name, options[name], fallback, max);
  const accessToken = lifetime("accessTokenLifetimeSeconds", 3600, 31 * day);
  const refreshToken = lifetime("refreshTokenLifetimeSeconds", Math.max(30 * day, accessToken));
  requireThat(
    refreshToken >= accessToken,
    `refreshTokenLifetimeSeconds (${refreshToken}) is shorter than accessTokenLifetimeSeconds (${accessToken}): a refresh token has to outlast the access token that it replaces. Are the two swapped?`,
  );
  return {
    accessToken,
    refreshToken,
    grant: lifetime("grantLifetimeSeconds", 90 * day),
    authorizationCode: lifetime("authorizationCodeLifetimeSeconds", 60, 300),
    login: lifetime("loginLifetimeSeconds", 600, 3600),
    refreshGrace: lifetime("refreshGraceSeconds", 30, 600),
  };
}

/**
 * How far clocks may be off, in seconds.
 *
 * @param fallback - Where the option says nothing.
 * @throws {ConfigurationError} when the option is not a number of seconds from 0 to 300.
 */
export function configureClockTolerance(
  { clockToleranceSeconds: given }: Pick<McpOAuthProviderOptions, "clockToleranceSeconds">,
  fallback: number,
): number {
  return given === 0 ? 0 : requireSeconds("clockToleranceSeconds", given, fallback, 300);
}

/**
 * Checks a time in seconds. What is shorter than one says `expires_in: 0` to clients, or is thought of in another unit.
 *
 * @throws {ConfigurationError} when the value is not a number of seconds from 1 up to `max`, by default ten years.
 */
export function requireSeconds(
  name: string,
  value: number | undefined,
  fallback: number,
  max: number = longestSeconds,
): number {
  const isLong = typeof value !== "number" || !(value > 0 && value < 1);
  requireThat(isLong, `${name} is in seconds, and ${value} is less than one: give 1 or more.`);
  return requireDuration(name, value, fallback, max, "seconds");
}
