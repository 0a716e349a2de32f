import {
  StorageFailure,
  StorageRateLimitedError,
  StorageRejectedError,
  StorageTimeoutError,
  StorageUnauthorizedError,
  StorageUnavailableError,
} from "../../errors.ts";
import { tlsFaultOf } from "../tls-failure.ts";

/** Vault says that there is no such item. */
export class VaultItemNotFoundError extends StorageRejectedError {}

/** Connection errors of which it is certain that no request was sent. */
const neverSent: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);

/**
 * Maps whatever the SDK throws to the error taxonomy. The SDK's own errors are not kept as the cause: they carry the
 * response and, through it, the request with its token.
 */
export function toStorageFailure(failure: unknown): StorageFailure {
  const status = statusOf(failure);
  const cause: Error & { code?: string } = new Error(summaryOf(failure, status));
  const code = connectionCodeOf(failure);
  if (code !== undefined) cause.code = code;
  switch (status) {
    case "VaultItemNotFound":
      return new VaultItemNotFoundError("Vault has no such item.", { cause, effect: "none" });
    case "Unauthorized":
    case "NoCredit":
      return new StorageUnauthorizedError(
        status === "NoCredit"
          ? "The Pangea account has no credit left; add some in the console."
          : "Vault refused the token; check that it is a Vault token of this project and has not been revoked.",
        { cause, effect: "none" },
      );
    case "TooManyRequests": {
      const seconds = retryAfterOf(failure);
      return new StorageRateLimitedError("Vault refused for too many requests; slow down or raise the limit.", {
        cause,
        effect: "none",
        ...(seconds !== undefined && { retryAfterSeconds: seconds }),
      });
    }
    case undefined:
      return transportFailure(failure, cause);
    case "InternalError":
    case "ServiceTemporarilyUnavailable":
    case "Accepted":
    case "MaintenanceModeEnabled":
    case "ServiceNotAvailable":
      return new StorageUnavailableError("Vault is out of service; try again later.", { cause });
    // The SDK's word for an answer without Pangea's envelope, such as a redirect or the page of a proxy.
    case "NoStatus":
      return new StorageUnavailableError(
        "Something else than Vault has answered: look at domain or baseUrlTemplate of the Vault options, and at proxies in between.",
        { cause },
      );
    default:
      return new StorageRejectedError(`Vault refused the request with ${status}.`, { cause, effect: "none" });
  }
}

/** The deadline has passed; the request may still take effect. */
export function timeoutFailure(milliseconds: number): StorageTimeoutError {
  return new StorageTimeoutError(`Vault did not answer within ${milliseconds} ms; the outcome is unknown.`);
}

/**
 * A failure of a read says of itself that it had no effect, but the write before it may have had one.
 *
 * @param done - What may have been done, as the beginning of a sentence.
 */
export async function afterWrite<T>(call: Promise<T>, done = "The record was stored in Vault"): Promise<T> {
  try {
    return await call;
  } catch (failure) {
    if (!(failure instanceof StorageFailure) || failure.effect === "unknown") throw failure;
    const { retryAfterSeconds } = failure;
    throw new StorageUnavailableError(`${done}, but whether it counts could not be told.`, {
      cause: failure,
      effect: "unknown",
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    });
  }
}

/** Vault has answered, but not so that it could be told what became of the record. */
export function outcomeLost(): StorageUnavailableError {
  return new StorageUnavailableError(
    "An answer of Vault was lost while the record was being removed: it may be gone, and whether anybody got it is unknown.",
    { effect: "unknown" },
  );
}

/** Says why Vault refused an item whose name an item has that is no record of this repository. */
export function nameIsTaken(refusal: StorageRejectedError): StorageRejectedError {
  return new StorageRejectedError(
    "The folder holds a record of another kind, or an item of another application, under the same key, and Vault keeps names unique; use another folder.",
    { cause: refusal, effect: "none" },
  );
}

function transportFailure(failure: unknown, cause: Error): StorageFailure {
  const code = connectionCodeOf(failure);
  if (code !== undefined && neverSent.has(code)) {
    return new StorageUnavailableError(`Vault cannot be reached (${code}); check the base URL and the network.`, {
      cause,
      effect: "none",
    });
  }
  const fault = tlsFaultOf(failure);
  if (fault !== undefined) {
    const message = `The connection to Vault failed (${fault.code}). ${fault.advice}`;
    // A handshake comes before the request.
    return new StorageUnavailableError(message, { cause, effect: "none" });
  }
  const reason = failure instanceof SyntaxError ? "answered with something that is not JSON" : "broke the connection";
  return new StorageUnavailableError(`Vault, or something in front of it, ${reason}; try again later.`, { cause });
}

/** The status of Pangea's envelope, for the errors of the SDK that have one. */
function statusOf(failure: unknown): string | undefined {
  const response = memberOf(failure, "response");
  const status = memberOf(response, "status");
  return typeof status === "string" && /^\w{1,64}$/.test(status) ? status : undefined;
}

function retryAfterOf(failure: unknown): number | undefined {
  const headers = memberOf(memberOf(memberOf(failure, "response"), "gotResponse"), "headers");
  if (!(headers instanceof Headers)) return undefined;
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

function connectionCodeOf(failure: unknown): string | undefined {
  const code = memberOf(memberOf(failure, "cause"), "code");
  return typeof code === "string" ? code : undefined;
}

/** What the SDK said, in words that hold nothing of the request. */
function summaryOf(failure: unknown, status: string | undefined): string {
  const name = failure instanceof Error ? failure.constructor.name : typeof failure;
  return [name, status, connectionCodeOf(failure)].filter((part) => part !== undefined).join(" ");
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
