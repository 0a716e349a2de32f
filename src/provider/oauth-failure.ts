import {
  OAuthError,
  type OAuthErrorCode,
  RecordTooLargeError,
  StorageError,
  StorageFailure,
  UpstreamUnavailableError,
} from "../errors.ts";

/** The error for a request that breaks a rule of OAuth. The message says which, and goes to the client. */
export function invalidRequest(message: string, options?: ErrorOptions & { readonly status?: number }): OAuthError {
  return new OAuthError("invalid_request", message, options);
}

/** The error for a caller that is not the client that it says it is. The message says why, and goes to the caller. */
export function invalidClient(message: string, options?: ErrorOptions): OAuthError {
  return new OAuthError("invalid_client", message, options);
}

/**
 * Refuses a request that breaks a rule. The message says which, and goes to the client.
 *
 * @throws {OAuthError} with the error, unless the condition holds.
 */
export function refuseUnless(condition: boolean, error: OAuthErrorCode, message: string): void {
  if (!condition) throw new OAuthError(error, message);
}

/** Whether a value is of a class. To ask a proxy may throw: then it is of none. */
export function isInstance<T>(value: unknown, type: abstract new (...parameters: never[]) => T): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

/** When a client is told to come back after an outage whose length nobody knows, in seconds. */
const defaultRetryAfterSeconds = 5;

/**
 * Turns any failure into the OAuth answer that a client should get. An outage of the store or of the upstream becomes
 * `temporarily_unavailable`, never a statement about the client's credentials: it must not make anyone log in again.
 * The original stays in `cause`.
 */
export function toOAuthError(failure: unknown): OAuthError {
  const unexpected = () => {
    return new OAuthError("server_error", "This server could not complete the request.", { cause: failure });
  };
  if (!isInstance(failure, Error)) return unexpected();
  if (failure instanceof OAuthError) return failure;
  if (failure instanceof RecordTooLargeError) {
    return new OAuthError("invalid_request", "The request is larger than this server can keep.", { cause: failure });
  }
  if (failure instanceof StorageError || failure instanceof UpstreamUnavailableError) {
    const asked =
      failure instanceof StorageFailure || failure instanceof UpstreamUnavailableError
        ? failure.retryAfterSeconds
        : undefined;
    // A backend of somebody's own may ask for anything, and a header can only say seconds.
    const isTime = asked !== undefined && Number.isFinite(asked) && asked >= 0;
    return new OAuthError("temporarily_unavailable", "This server cannot answer right now.", {
      cause: failure,
      retryAfterSeconds: isTime ? asked : defaultRetryAfterSeconds,
    });
  }
  return unexpected();
}
