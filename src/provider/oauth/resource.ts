import { OAuthError } from "../../errors.ts";
import { refuseUnless } from "../oauth-failure.ts";

/**
 * Compares two resource indicators (RFC 8707) as URLs: scheme and host without case, dot segments resolved, one trailing
 * slash forgiven, everything else to the letter.
 */
export function isSameResource(one: string | URL, other: string | URL): boolean {
  const left = comparable(one);
  return left !== undefined && left === comparable(other);
}

function comparable(resource: string | URL): string | undefined {
  const text = resource.toString();
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (text.includes("#") || url.username !== "" || url.password !== "") return undefined;
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/$/, "")}${url.search}`;
}

/**
 * Checks a `resource` parameter (RFC 8707) against the one resource that there is. A client that sends none means that
 * one.
 *
 * @throws {OAuthError} with `invalid_target` when it is another resource.
 */
export function checkResource(own: string, requested: string | undefined): string {
  if (requested === undefined || isSameResource(requested, own)) return own;
  throw new OAuthError("invalid_target", `This server issues tokens for ${own} only.`);
}

/**
 * Checks the `resource` of a token request against what was authorized. A request that names none is fine.
 *
 * @throws {OAuthError} with `invalid_target` when it is another resource.
 */
export function checkAudience(own: string, requested: string | undefined, authorized: URL): void {
  if (requested === undefined) return;
  checkResource(own, requested);
  const isSame = isSameResource(requested, authorized);
  refuseUnless(isSame, "invalid_target", "The resource is not the one that was authorized.");
}
