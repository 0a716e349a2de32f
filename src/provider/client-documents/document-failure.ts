import { OAuthError } from "../../errors.ts";

/** How long a caller should wait before it tries a site again that did not answer, in seconds. */
const retryAfterSeconds = 5;

/**
 * The error for a `client_id` whose document cannot be used.
 *
 * @param rule - Follows "The client's metadata document"; names no content of the document.
 *
 * @example
 * ```ts
 * throw documentRefused("must be served with status 200");
 * ```
 */
export function documentRefused(rule: string, cause?: unknown): OAuthError {
  return new OAuthError(
    "invalid_client",
    `The client's metadata document ${rule}.`,
    cause === undefined ? {} : { cause },
  );
}

/**
 * The error for a document that cannot be had at the moment.
 *
 * @param what - Follows "The client's metadata document cannot be fetched now:".
 *
 * @example
 * ```ts
 * throw documentUnavailable("its site does not answer", failure);
 * ```
 */
export function documentUnavailable(what: string, cause?: unknown): OAuthError {
  return new OAuthError("temporarily_unavailable", `The client's metadata document cannot be fetched now: ${what}.`, {
    retryAfterSeconds,
    ...(cause !== undefined && { cause }),
  });
}
