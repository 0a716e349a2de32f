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
  const url = resource instanceof URL ? resource : urlOf(resource);
  if (url === undefined) return undefined;
  if (resource.toString().includes("#") || url.username !== "" || url.password !== "") return undefined;
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/$/, "")}${url.search}`;
}

/** Asking `URL.canParse` first would parse the text twice. */
function urlOf(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/**
 * What the `resource` parameters of a request ask for (RFC 8707 section 2, which lets them be repeated): the one resource
 * that there is, where each of them names that one; the first other one; undefined where there are none.
 */
export function requestedResource(own: string, values: readonly string[]): string | undefined {
  return values.find((value) => !standsFor(value, own)) ?? (values.length === 0 ? undefined : own);
}

/**
 * Whether a `resource` parameter stands for a server's own resource. Clients send its URL, the bare origin, or another
 * URL above it, such as the base URL; some send the query of the URL that they connect to. All of these are places of this
 * server, and the tokens are for its own resource all the same.
 */
function standsFor(requested: string, own: string): boolean {
  const [given] = comparable(requested)?.split("?") ?? [];
  const ours = comparable(own);
  return given !== undefined && ours !== undefined && (given === ours || ours.startsWith(`${given}/`));
}

/**
 * Checks a `resource` parameter (RFC 8707) against the one resource that there is. A client that sends none means that
 * one.
 *
 * @throws {OAuthError} with `invalid_target` when it is another resource.
 */
export function checkResource(own: string, requested: string | undefined): string {
  if (requested === undefined || standsFor(requested, own)) return own;
  throw new OAuthError("invalid_target", `This server issues tokens for ${own} only.`);
}

/**
 * Checks the `resource` of a token request against what was authorized. A request that names none is fine.
 *
 * @throws {OAuthError} with `invalid_target` when it is another resource.
 */
export function checkAudience(own: string, requested: string | undefined, authorized: URL): void {
  if (requested === undefined) return;
  const isSame = isSameResource(checkResource(own, requested), authorized);
  refuseUnless(isSame, "invalid_target", "The resource is not the one that was authorized.");
}
