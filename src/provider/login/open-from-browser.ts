import { openOr } from "../../secrets/sealing.ts";
import { invalidRequest } from "../oauth-failure.ts";

/**
 * Opens what this server has sealed into a page or a cookie of the browser.
 *
 * @throws {OAuthError} with `invalid_request` and the message when it does not open here.
 * @throws {UnsealableError} when it was sealed under a key that only another instance may have.
 */
export function openFromBrowser<Opened>(open: () => Opened, message: string): Opened {
  return openOr(open, (cause) => {
    throw cause.keyId === undefined ? invalidRequest(message, { cause }) : cause;
  });
}
