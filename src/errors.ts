/** The stable `code` of every error that this package throws. */
export type PangeaAuthnErrorCode =
  | "ERR_CONFIGURATION"
  | "ERR_INVALID_KEY"
  | "ERR_INVALID_RECORD"
  | "ERR_RECORD_TOO_LARGE"
  | "ERR_CORRUPT_RECORD"
  | "ERR_UNSEALABLE"
  | "ERR_UNREADABLE_RECORDS"
  | "ERR_STORAGE_UNAVAILABLE"
  | "ERR_STORAGE_TIMEOUT"
  | "ERR_STORAGE_RATE_LIMITED"
  | "ERR_STORAGE_UNAUTHORIZED"
  | "ERR_STORAGE_REJECTED"
  | "ERR_STORAGE_FULL"
  | "ERR_STORAGE_CLOSED"
  | "ERR_STORAGE_NOT_REPLICATED"
  | "ERR_UPSTREAM_UNAVAILABLE"
  | "ERR_UPSTREAM_REJECTED"
  | "ERR_OAUTH";

/**
 * The base of every error that this package throws. `code` is stable across releases and is what to test; `message`
 * says what to do and may change. No token, code, secret or stored content is ever in a message.
 *
 * @example
 * ```ts
 * try {
 *   await repository.get(key);
 * } catch (error) {
 *   if (error instanceof PangeaAuthnError && error.code === "ERR_STORAGE_UNAVAILABLE") return serviceUnavailable();
 *   throw error;
 * }
 * ```
 */
export abstract class PangeaAuthnError extends Error {
  abstract readonly code: PangeaAuthnErrorCode;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * An option is missing or wrong. The message names the option and says what it should be.
 *
 * @example
 * ```ts
 * new PangeaOAuthProvider({ ...settings, mcpBaseUrl: "mcp.example.org" }); // throws: mcpBaseUrl must be an absolute URL
 * ```
 */
export class ConfigurationError extends PangeaAuthnError {
  readonly code = "ERR_CONFIGURATION";
}

/**
 * A failure of a store or of what it holds. Never thrown for a record that is merely absent. A backend of your own throws
 * what fits of the classes below, for an outage a `StorageUnavailableError`.
 *
 * @example
 * ```ts
 * if (error instanceof StorageError) return new Response(null, { status: 503 }); // never a 401
 * ```
 */
export abstract class StorageError extends PangeaAuthnError {}

/**
 * The key cannot be used in this store: empty, too long, or with characters that the store has no room for.
 *
 * @example
 * ```ts
 * await repository.get(""); // rejects: a key must be a string and not empty
 * ```
 */
export class InvalidKeyError extends StorageError {
  readonly code = "ERR_INVALID_KEY";
}

/**
 * The value to write does not satisfy the repository's schema. Nothing was written.
 *
 * @example
 * ```ts
 * await tokens.set(key, { clientId: "a", scopes: [], expiresAt: Number.NaN }); // rejects, nothing is written
 * ```
 */
export class InvalidRecordError extends StorageError {
  readonly code = "ERR_INVALID_RECORD";
}

/**
 * The encoded value is larger than the store takes. Nothing was written.
 *
 * @example
 * ```ts
 * await vault.set(key, { note: "x".repeat(20_000) }); // rejects before Vault, which takes 10,240 characters, is called
 * ```
 */
export class RecordTooLargeError extends StorageError {
  readonly code = "ERR_RECORD_TOO_LARGE";
}

/**
 * What the store holds under a key is not a valid record. The key appears as its SHA-256 only, the content not at all.
 *
 * @example
 * ```ts
 * if (error instanceof CorruptRecordError) await repository.delete(key); // it can still be deleted
 * ```
 */
export class CorruptRecordError extends StorageError {
  readonly code = "ERR_CORRUPT_RECORD";
  /** The record stays as it is, whatever was asked. */
  readonly effect: WriteEffect = "none";
}

/**
 * A sealed value was written under a key that is not in the key ring, moved from another record, or altered.
 *
 * @example
 * ```ts
 * const keys = KeyRing.from([newSecret, oldSecret]); // what the old secret sealed still opens
 * ```
 */
export class UnsealableError extends StorageError {
  readonly code = "ERR_UNSEALABLE";
  /** The record stays as it is, whatever was asked. */
  readonly effect: WriteEffect = "none";
  /** The id of the key that is not in the key ring, where that is the reason. It tells nothing about the key. */
  readonly keyId: string | undefined;
  /** Whether the record is not sealed at all: it was written without keys, or by something else. It is not read. */
  readonly isPlain: boolean;

  constructor(message: string, options: ErrorOptions & { readonly keyId?: string; readonly isPlain?: boolean } = {}) {
    super(message, options);
    this.keyId = options.keyId;
    this.isPlain = options.isPlain ?? false;
  }
}

/**
 * A listing or a sweep has come to its end, and met records that it could not read: they are still in the store, and are
 * not among what was listed. `keyIds` names the keys that are missing from the key ring.
 *
 * @example
 * ```ts
 * if (error instanceof UnreadableRecordsError) alert(`${error.count} records need the keys ${error.keyIds.join(", ")}.`);
 * ```
 */
export class UnreadableRecordsError extends StorageError {
  readonly code = "ERR_UNREADABLE_RECORDS";
  /** How many records could not be read. */
  readonly count: number;
  /** The ids of the keys that are not in the key ring, each once. They tell nothing about the keys. */
  readonly keyIds: readonly string[];
  /** How many of the records each of those keys has sealed, where that was counted; undefined where it was not. */
  readonly countByKeyId: ReadonlyMap<string, number> | undefined;

  constructor(message: string, options: UnreadableRecordsOptions) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.count = options.count;
    this.keyIds = options.keyIds;
    this.countByKeyId = options.countByKeyId;
  }
}

/** What an {@link UnreadableRecordsError} tells beyond its message. */
export interface UnreadableRecordsOptions extends ErrorOptions {
  /** How many records could not be read. */
  readonly count: number;
  /** The ids of the keys that are not in the key ring, each once. */
  readonly keyIds: readonly string[];
  /** How many of the records each of those keys has sealed. Default: that was not counted. */
  readonly countByKeyId?: ReadonlyMap<string, number>;
}

/** Whether a failed write may have reached the store: `none` for certain not, `unknown` when it may have. */
export type WriteEffect = "none" | "unknown";

/** What a failure of a store's transport can tell beyond its message. */
export interface StorageFailureOptions extends ErrorOptions {
  /** Whether a write may have taken effect in spite of the error. `unknown` unless said. */
  readonly effect?: WriteEffect;
  /** How long the store asked to wait before the next try, in seconds. */
  readonly retryAfterSeconds?: number;
}

/**
 * The base of the failures in which the store did not do what was asked.
 *
 * @example
 * ```ts
 * if (error instanceof StorageFailure && error.effect === "none") await repository.set(key, value); // safe to repeat
 * ```
 */
export abstract class StorageFailure extends StorageError {
  /** Whether a write may have taken effect in spite of the error. */
  readonly effect: WriteEffect;
  /** How long the store asked to wait before the next try, in seconds, where it said so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, options: StorageFailureOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.effect = options.effect ?? "unknown";
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/**
 * The store could not be reached, or answered that it is out of service. Try again later.
 *
 * @example
 * ```ts
 * if (error instanceof StorageUnavailableError) setTimeout(retry, (error.retryAfterSeconds ?? 5) * 1000);
 * ```
 */
export class StorageUnavailableError extends StorageFailure {
  readonly code = "ERR_STORAGE_UNAVAILABLE";
}

/**
 * The store did not answer before the deadline. A write may still land: its outcome is unknown.
 *
 * @example
 * ```ts
 * if (error instanceof StorageTimeoutError) log.warn("it may or may not have been done"); // never repeat a take
 * ```
 */
export class StorageTimeoutError extends StorageFailure {
  readonly code = "ERR_STORAGE_TIMEOUT";
}

/**
 * The store refused for too many requests. `retryAfterSeconds` says when to come back, where the store said so.
 *
 * @example
 * ```ts
 * if (error instanceof StorageRateLimitedError) setTimeout(retry, (error.retryAfterSeconds ?? 5) * 1000);
 * ```
 */
export class StorageRateLimitedError extends StorageFailure {
  readonly code = "ERR_STORAGE_RATE_LIMITED";
}

/**
 * The store refused the credentials. Check the token and what it is allowed to do.
 *
 * @example
 * ```ts
 * if (error instanceof StorageUnauthorizedError) alert("The Vault token or the Redis password is wrong.");
 * ```
 */
export class StorageUnauthorizedError extends StorageFailure {
  readonly code = "ERR_STORAGE_UNAUTHORIZED";
}

/**
 * The store understood the request and refused it. Trying the same again does not help.
 *
 * @example
 * ```ts
 * if (error instanceof StorageRejectedError) log.error(error.message); // the same call would be refused again
 * ```
 */
export class StorageRejectedError extends StorageFailure {
  readonly code = "ERR_STORAGE_REJECTED";
}

/**
 * The store has no room for the record. Nothing was written, and no other record made way.
 *
 * @example
 * ```ts
 * const sessions = new InMemoryRepository(SessionSchema, { max: 10_000 });
 * await sessions.set(key, session); // rejects where 10,000 sessions are there that have not expired
 * ```
 */
export class StorageFullError extends StorageFailure {
  readonly code = "ERR_STORAGE_FULL";

  constructor(message: string, options: StorageFailureOptions = {}) {
    super(message, { effect: "none", ...options });
  }
}

/**
 * The repository was closed before or during the call.
 *
 * @example
 * ```ts
 * await repository[Symbol.asyncDispose]();
 * await repository.get(key); // rejects
 * ```
 */
export class StorageClosedError extends StorageFailure {
  readonly code = "ERR_STORAGE_CLOSED";
}

/**
 * The store has the write, and fewer replicas than were asked for have confirmed it in time: a failover may lose it. Its
 * effect is always `unknown`.
 *
 * @example
 * ```ts
 * if (error instanceof StorageNotReplicatedError) alert(`only ${error.replicas} replicas confirm writes`);
 * ```
 */
export class StorageNotReplicatedError extends StorageFailure {
  readonly code = "ERR_STORAGE_NOT_REPLICATED";
  /** How many replicas have confirmed the write; `undefined` where the store did not say. */
  readonly replicas: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly replicas?: number } = {}) {
    super(message, { effect: "unknown", ...("cause" in options && { cause: options.cause }) });
    this.replicas = options.replicas;
  }
}

/**
 * The upstream, such as Pangea AuthN, could not be reached, timed out or answered with a server error.
 *
 * @example
 * ```ts
 * const user = await provider.pangeaToken(auth); // rejects with it while Pangea AuthN is out; nobody is logged out
 * ```
 */
export class UpstreamUnavailableError extends PangeaAuthnError {
  readonly code = "ERR_UPSTREAM_UNAVAILABLE";
  /** How long the upstream asked to wait before the next try, in seconds, where it said so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly retryAfterSeconds?: number } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/**
 * The upstream, such as Pangea AuthN, answered and said no. `error` is its OAuth error code.
 *
 * @example
 * ```ts
 * if (error instanceof UpstreamRejectedError && error.error === "invalid_client") alert("Check pangeaAuthnClientSecret.");
 * ```
 */
export class UpstreamRejectedError extends PangeaAuthnError {
  readonly code = "ERR_UPSTREAM_REJECTED";
  /** The OAuth error code that the upstream gave, such as `invalid_grant`. */
  readonly error: string;
  /** What the operator of this server can change, where that is known. It names options, never their values. */
  readonly advice: string | undefined;

  constructor(error: string, message: string, options: ErrorOptions & { readonly advice?: string } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.error = error;
    this.advice = options.advice;
  }
}

/** The OAuth error codes that this server answers with (RFC 6749, 6750, 7591, 7009, 8707). */
export type OAuthErrorCode =
  | "invalid_request"
  | "invalid_client"
  | "invalid_grant"
  | "unauthorized_client"
  | "unsupported_grant_type"
  | "unsupported_response_type"
  | "invalid_scope"
  | "invalid_target"
  | "consent_required"
  | "account_selection_required"
  | "access_denied"
  | "server_error"
  | "temporarily_unavailable"
  | "invalid_token"
  | "insufficient_scope"
  | "invalid_redirect_uri"
  | "invalid_client_metadata"
  | "too_many_requests"
  | "method_not_allowed";

/** The HTTP status that RFC 6749, 6750 and 7591 give each error code. */
const oauthErrorStatus: Readonly<Record<OAuthErrorCode, number>> = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  account_selection_required: 400,
  consent_required: 400,
  access_denied: 403,
  server_error: 500,
  temporarily_unavailable: 503,
  invalid_token: 401,
  insufficient_scope: 403,
  invalid_redirect_uri: 400,
  invalid_client_metadata: 400,
  too_many_requests: 429,
  method_not_allowed: 405,
};

/**
 * An error that is an OAuth answer: `error` is the code that goes over the wire, `message` its `error_description`,
 * `status` the HTTP status.
 *
 * @example
 * ```ts
 * throw new OAuthError("invalid_grant", "The authorization code has expired; start the login again.");
 * ```
 */
export class OAuthError extends PangeaAuthnError {
  readonly code = "ERR_OAUTH";
  readonly error: OAuthErrorCode;
  readonly status: number;
  /** For `temporarily_unavailable` and `too_many_requests`: when to come back, in seconds. */
  readonly retryAfterSeconds: number | undefined;
  /** For `insufficient_scope`: every scope that the request needs. */
  readonly scopes: readonly string[] | undefined;

  constructor(
    error: OAuthErrorCode,
    message: string,
    options: ErrorOptions & {
      readonly status?: number;
      readonly retryAfterSeconds?: number;
      readonly scopes?: readonly string[];
    } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.error = error;
    this.status = options.status ?? oauthErrorStatus[error];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.scopes = options.scopes;
  }
}
