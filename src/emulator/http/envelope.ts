/** One entry of a validation error's `result.errors`. */
export interface ValidationProblem {
  /** Pangea's code, such as `FieldRequired`. */
  readonly code: string;
  /** What is wrong, for a person. It never repeats the value. */
  readonly detail: string;
  /** A JSON pointer (RFC 6901) to the offending part of the request. */
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

/** Pangea's response envelope, as it goes over the wire. */
export interface PangeaEnvelope {
  readonly request_id: string;
  readonly request_time: string;
  readonly response_time: string;
  readonly status: string;
  readonly summary: string;
  readonly result: object;
}

/** Puts a reply into the envelope. Times are milliseconds since the epoch. */
export function envelope(
  reply: PangeaReply,
  requestId: string,
  requestTime: number,
  responseTime: number,
): PangeaEnvelope {
  return {
    request_id: requestId,
    request_time: new Date(requestTime).toISOString(),
    response_time: new Date(responseTime).toISOString(),
    status: reply.status,
    summary: reply.summary,
    result: reply.result,
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

/** The token is missing, malformed or not in the list of accepted tokens. */
export function unauthorized(): PangeaReply {
  return { httpStatus: 401, status: "Unauthorized", summary: "Not authorized to access this resource", result: {} };
}

/** No item has the id. Pangea's HTTP status for it is not documented; the SDK reads `status` alone. */
export function itemNotFound(): PangeaReply {
  return { httpStatus: 404, status: "VaultItemNotFound", summary: "Vault item not found", result: {} };
}

/** The emulator has no such endpoint. */
export function noSuchEndpoint(): PangeaReply {
  return { httpStatus: 404, status: "NotFound", summary: "The emulator has no such endpoint", result: {} };
}

/** The endpoint takes another HTTP method. */
export function methodNotAllowed(): PangeaReply {
  return { httpStatus: 405, status: "MethodNotAllowed", summary: "This endpoint takes another method", result: {} };
}

/** Too many requests: what the `too-many-requests` fault answers. */
export function tooManyRequests(): PangeaReply {
  return { httpStatus: 429, status: "TooManyRequests", summary: "Too many requests", result: {} };
}

/** A failure of the service itself, with an HTTP status of 500 or above. */
export function serverError(httpStatus: number): PangeaReply {
  const status = httpStatus === 503 ? "ServiceNotAvailable" : "InternalError";
  return { httpStatus, status, summary: "The service could not answer", result: {} };
}
