import { requireThat } from "../../option-checks.ts";
import { isVaultEndpoint, vaultEndpoints } from "../endpoint-names.ts";
import { appliesTo, type Fault, type FaultScope, type LatencyFault } from "./fault.ts";

/**
 * Checks a fault before it is injected, so that a typing error does not pass for a fault that never strikes.
 *
 * @throws {ConfigurationError} when the fault has no such kind or a property is out of range; the message names it.
 */
export function requireFault(fault: Fault): void {
  const kinds = Object.keys(appliesTo);
  requireThat(kinds.includes(fault.kind), `There is no fault of that kind. Use one of: ${kinds.join(", ")}.`);
  requireScope(fault);
  if (fault.kind === "stale-get-bulk") requireDuration("milliseconds", fault.milliseconds);
  if (fault.kind === "latency") requireLatency(fault.milliseconds);
  if (fault.kind === "html") requireHttpStatus(fault.httpStatus ?? 502);
  if (fault.kind === "too-many-requests") requireDuration("retryAfterSeconds", fault.retryAfterSeconds ?? 1);
  if (fault.kind === "accepted") requirePolls(fault.polls ?? 0);
}

function requireLatency(milliseconds: LatencyFault["milliseconds"]): void {
  const [low, high] = boundsOf(milliseconds);
  requireDuration("milliseconds", low);
  requireDuration("milliseconds", high);
  const isMedianOfZero = typeof milliseconds === "object" && "median" in milliseconds && low === 0;
  requireThat(
    low <= high && !isMedianOfZero,
    "A latency's lower bound or median must be above 0 where it is a median, and not above the upper one.",
  );
}

function boundsOf(milliseconds: LatencyFault["milliseconds"]): readonly [low: number, high: number] {
  if (typeof milliseconds === "number") return [milliseconds, milliseconds];
  return "median" in milliseconds
    ? [milliseconds.median, milliseconds.percentile99]
    : [milliseconds.minimum, milliseconds.maximum];
}

/** Statuses below 200 are no replies, and 204, 205 and 304 have no body. */
function requireHttpStatus(status: number): void {
  const hasBody = Number.isInteger(status) && status >= 200 && status <= 599 && ![204, 205, 304].includes(status);
  requireThat(hasBody, "A fault's httpStatus must be from 200 to 599 and one of those that have a body.");
}

function requirePolls(polls: number): void {
  requireThat(Number.isInteger(polls) && polls >= 0, "A fault's polls must be an integer of 0 or more.");
}

function requireDuration(property: string, value: number): void {
  requireThat(Number.isFinite(value) && value >= 0, `A fault's ${property} must be a number of 0 or more.`);
}

/**
 * Checks the part of a fault that says which requests it strikes.
 *
 * @throws {ConfigurationError} when an endpoint is unknown or a number is out of range; the message names the property.
 */
export function requireScope({ on = [], times = 1, probability = 1 }: FaultScope): void {
  requireThat(
    [on].flat().every(isTarget),
    `A fault's on must be vault, authn, or a path without its leading slash, of Vault one of: ${vaultEndpoints.join(", ")}.`,
  );
  requireThat(
    Number.isInteger(times) && times > 0,
    "A fault's times must be a positive integer. Leave it out to have it strike until cleared.",
  );
  requireThat(probability >= 0 && probability <= 1, "A fault's probability must be from 0 to 1.");
}

/** AuthN's endpoints are not known here; of Vault's, a misspelt one would never be struck. */
function isTarget(target: string): boolean {
  if (target.startsWith("vault/")) return target === "vault/request/{id}" || isVaultEndpoint(target);
  return !target.startsWith("/");
}
