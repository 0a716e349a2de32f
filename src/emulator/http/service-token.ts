/**
 * The form of a Pangea service token. Real ones have 32 characters after the prefix; the emulator takes 1 to 64, so that
 * examples and tests can use a readable one.
 */
const serviceTokenForm = /^pts_[a-z2-7]{1,64}$/;
const bearer = /^Bearer +(\S+)$/i;

/** Whether a service accepts a request with this `Authorization` header. */
export type ServiceTokenCheck = (authorization: string | undefined) => boolean;

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
export function serviceTokenCheck(tokens: readonly string[] | undefined): ServiceTokenCheck {
  return (authorization = "") => {
    const token = bearer.exec(authorization)?.[1];
    if (token === undefined) return false;
    return tokens === undefined ? serviceTokenForm.test(token) : tokens.includes(token);
  };
}
