/** One entry of a validation error's `result.errors`. */
export interface ValidationProblem {
  /** Pangea's code, such as `FieldRequired`. */
  readonly code: string;
  /** What is wrong, for a person. It never repeats the value. */
  readonly detail: string;
  /** A JSON pointer ({@link https://www.rfc-editor.org/rfc/rfc6901 RFC 6901}) to the offending part of the request. */
  readonly source: string;
}

/** What an endpoint answers, before it is put into Pangea's envelope. */
export interface PangeaReply {
  readonly httpStatus: number;
  /** The envelope's `status`: `Success` or the name of the failure. */
  readonly status: string;
  readonly summary: string;
  readonly result: object;
}

/** A request as its reply names it. */
export interface AnsweredRequest {
  /** `prq_` and 32 characters of `a-z2-7`. */
  readonly requestId: string;
  /** When the request arrived, in milliseconds since the epoch. */
  readonly requestTime: number;
}

/** Puts a reply into Pangea's envelope, as it goes over the wire. `responseTime` is in milliseconds since the epoch. */
export function envelope(
  { status, summary, result }: PangeaReply,
  { requestId, requestTime }: AnsweredRequest,
  responseTime: number,
): object {
  return {
    request_id: requestId,
    request_time: new Date(requestTime).toISOString(),
    response_time: new Date(responseTime).toISOString(),
    status,
    summary,
    result,
  };
}

/** The request was carried out. */
export function success(summary: string, result: object): PangeaReply {
  return { httpStatus: 200, status: "Success", summary, result };
}

/** The request does not satisfy the endpoint's schema or the state of what it names. */
export function validationError(errors: readonly ValidationProblem[]): PangeaReply {
  const count = errors.length === 1 ? "1 validation error" : `${errors.length} validation errors`;
  return { httpStatus: 400, status: "ValidationError", summary: `There was ${count}.`, result: { errors } };
}

/** A validation error with a single problem. */
export function invalid(code: string, source: string, detail: string): PangeaReply {
  return validationError([{ code, detail, source }]);
}

function failure(httpStatus: number, status: string, summary: string): PangeaReply {
  return { httpStatus, status, summary, result: {} };
}

/** The token is missing, malformed or not in the list of accepted tokens. */
export const unauthorized = failure(401, "Unauthorized", "Not authorized to access this resource");

/** No item has the id. Pangea's HTTP status for it is not documented; the SDK reads `status` alone. */
export const itemNotFound = failure(404, "VaultItemNotFound", "Vault item not found");

/** The emulator has no such endpoint. */
export const noSuchEndpoint = failure(404, "NotFound", "The emulator has no such endpoint");

/** The endpoint takes another HTTP method. */
export const methodNotAllowed = failure(405, "MethodNotAllowed", "This endpoint takes another method");

/** Too many requests: what the `too-many-requests` fault answers. */
export const tooManyRequests = failure(429, "TooManyRequests", "Too many requests");

/** A failure of the service itself, with an HTTP status of 500 or above. */
export function serverError(httpStatus: number): PangeaReply {
  const status = httpStatus === 503 ? "ServiceNotAvailable" : "InternalError";
  return failure(httpStatus, status, "The service could not answer");
}
