import { OAuthError } from "../../errors.ts";

/** A failure of a client's site, which is no word on the document that it has served before. */
export class SiteFailure extends OAuthError {}

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
export function documentUnavailable(what: string, cause?: unknown): SiteFailure {
  return new SiteFailure("temporarily_unavailable", `The client's metadata document cannot be fetched now: ${what}.`, {
    retryAfterSeconds,
    ...(cause !== undefined && { cause }),
  });
}

/**
 * The error for a reply that says nothing of the document: sites guard themselves against robots, move behind a login, or
 * show a page of maintenance.
 *
 * @param rule - Follows "The client's metadata document"; names no content of the reply.
 */
export function documentWithheld(rule: string): SiteFailure {
  return new SiteFailure("invalid_client", `The client's metadata document ${rule}.`);
}
