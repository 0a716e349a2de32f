import { type OptionKinds, requireOptions } from "../../option-checks.ts";
import { isScope, requireScopes } from "../oauth/scopes.ts";

/** What `authenticate` demands of a request, and who sends it. */
export interface AuthenticateOptions {
  /** The scopes that the token must have. Default: the provider's `requiredScopes`. */
  readonly requiredScopes?: readonly string[] | undefined;
  /** Who sends the request, or how to find that out. Default: nobody that is known. */
  readonly caller?: string | (() => string | undefined) | undefined;
}

const demandKinds: OptionKinds<AuthenticateOptions> = { requiredScopes: "any", caller: "any" };

/** No demand of its own. */
export const noDemand: AuthenticateOptions = {};

/**
 * Checks what is demanded of a request: a demand that is not read would let in whoever has a token. A scope that the server
 * does not know is answered with 403, since nobody has it, and is told to the operator.
 *
 * @throws {ConfigurationError} when an option is unknown, or the scopes are no list of scopes.
 */
export function requireDemand(demand: AuthenticateOptions): void {
  // This runs with every request: the whole check is for what is not as the mounts give it.
  if (!isUsual(demand)) requireOptions("authenticate", demand ?? null, demandKinds);
  const { requiredScopes } = demand;
  if (requiredScopes === undefined) return;
  const isList =
    Array.isArray(requiredScopes) && requiredScopes.every((scope) => typeof scope === "string" && isScope(scope));
  if (!isList) requireScopes("requiredScopes", requiredScopes);
}

/** True for an object with a member of a demand and no other: its names need no further look. */
function isUsual(demand: AuthenticateOptions): boolean {
  if (demand === noDemand) return true;
  if (typeof demand !== "object" || demand === null) return false;
  let hasMember = false;
  for (const name in demand) {
    if (name !== "requiredScopes" && name !== "caller") return false;
    hasMember = true;
  }
  return hasMember;
}
