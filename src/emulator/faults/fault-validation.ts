import { ConfigurationError } from "../../errors.ts";
import { isVaultEndpoint, VAULT_ENDPOINTS } from "../endpoint-names.ts";
import { APPLIES_TO, type Fault, type FaultScope, type LatencyFault } from "./fault.ts";

/**
 * Checks a fault before it is injected, so that a typing error does not pass for a fault that never strikes.
 *
 * @throws ConfigurationError that names the property at fault
 */
export function assertFault(fault: Fault): void {
  if (!Object.hasOwn(APPLIES_TO, fault.kind)) {
    throw new ConfigurationError(`There is no fault of that kind. Use one of: ${Object.keys(APPLIES_TO).join(", ")}.`);
  }
  assertScope(fault);
  switch (fault.kind) {
    case "stale-get-bulk":
      assertDuration(fault.milliseconds, "milliseconds");
      break;
    case "latency":
      assertLatency(fault.milliseconds);
      break;
    case "html":
      assertHttpStatus(fault.httpStatus ?? 502);
      break;
    case "too-many-requests":
      assertDuration(fault.retryAfterSeconds ?? 1, "retryAfterSeconds");
      break;
    case "accepted":
      if (!(Number.isInteger(fault.polls ?? 0) && (fault.polls ?? 0) >= 0)) {
        throw new ConfigurationError("A fault's polls must be an integer of 0 or more.");
      }
  }
}

function assertLatency(milliseconds: LatencyFault["milliseconds"]): void {
  const [low, high] = boundsOf(milliseconds);
  assertDuration(low, "milliseconds");
  assertDuration(high, "milliseconds");
  if (low > high || (typeof milliseconds === "object" && "median" in milliseconds && low === 0)) {
    throw new ConfigurationError(
      "A latency's lower bound or median must be above 0 where it is a median, and not above the upper one.",
    );
  }
}

function boundsOf(milliseconds: LatencyFault["milliseconds"]): readonly [low: number, high: number] {
  if (typeof milliseconds === "number") return [milliseconds, milliseconds];
  return "median" in milliseconds
    ? [milliseconds.median, milliseconds.percentile99]
    : [milliseconds.minimum, milliseconds.maximum];
}

/** Statuses below 200 are no replies, and 204, 205 and 304 have no body. */
function assertHttpStatus(status: number): void {
  if (!Number.isInteger(status) || status < 200 || status > 599 || [204, 205, 304].includes(status)) {
    throw new ConfigurationError("A fault's httpStatus must be from 200 to 599 and one of those that have a body.");
  }
}

/** AuthN's endpoints are not known here; of Vault's, a misspelt one would never be struck. */
function assertTarget(target: string): void {
  const known = !target.startsWith("vault/") || target === "vault/request/{id}" || isVaultEndpoint(target);
  if (known && !target.startsWith("/")) return;
  throw new ConfigurationError(
    `A fault's on must be vault, authn, or a path without its leading slash, of Vault one of: ${VAULT_ENDPOINTS.join(", ")}.`,
  );
}

function assertDuration(value: number, property: string): void {
  if (!(Number.isFinite(value) && value >= 0)) {
    throw new ConfigurationError(`A fault's ${property} must be a number of 0 or more.`);
  }
}

/**
 * Checks the part of a fault that says which requests it strikes.
 *
 * @throws ConfigurationError that names the property at fault
 */
export function assertScope({ on = [], times, probability = 1 }: FaultScope): void {
  for (const target of typeof on === "string" ? [on] : on) assertTarget(target);
  if (times !== undefined && !(Number.isInteger(times) && times > 0)) {
    throw new ConfigurationError(
      "A fault's times must be a positive integer. Leave it out to have it strike until cleared.",
    );
  }
  if (!(probability >= 0 && probability <= 1)) {
    throw new ConfigurationError("A fault's probability must be from 0 to 1.");
  }
}
