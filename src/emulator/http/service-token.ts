/**
 * The form of a Pangea service token. Real ones have 32 characters after the prefix; the emulator takes 1 to 64, so that
 * examples and tests can use a readable one.
 */
const SERVICE_TOKEN = /^pts_[a-z2-7]{1,64}$/;
const BEARER = /^Bearer +(\S+)$/i;

/**
 * Decides which `Authorization` headers the emulated services accept: any token of the right form, or those listed.
 *
 * @example
 * ```ts
 * const isAccepted = serviceTokenCheck(["pts_aaaa"]);
 * isAccepted("Bearer pts_aaaa"); // true
 * isAccepted("Bearer pts_bbbb"); // false
 * ```
 */
export function serviceTokenCheck(
  tokens: readonly string[] | undefined,
): (authorization: string | undefined) => boolean {
  const accepted = tokens === undefined ? undefined : new Set(tokens);
  return (authorization) => {
    const token = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
    if (token === undefined) return false;
    return accepted === undefined ? SERVICE_TOKEN.test(token) : accepted.has(token);
  };
}
