import { isVaultEndpoint } from "../endpoint-names.ts";
import type { EmulatedService } from "./call-log.ts";

/** A request's path and what it is called in counts and faults. */
export interface RequestTarget {
  readonly service: EmulatedService;
  /** Without the leading slash and the query. */
  readonly path: string;
  /** The path with ids replaced by `{id}`. */
  readonly endpoint: string;
}

/** A segment of a path that is an id: long, and not of lower-case words alone. */
const identifier = /^(?![a-z._-]+$)[\w-]{16,}$/;

/**
 * Takes a request's target apart. Everything outside `/vault/` is AuthN's.
 *
 * @example
 * ```ts
 * requestTarget("/vault/request/prq_x6fdiizbon6j3bsdvnpmwxsz2aan7fqd").endpoint; // "vault/request/{id}"
 * requestTarget("/v2/oauth/authorize?client_id=a").endpoint; // "v2/oauth/authorize"
 * ```
 */
export function requestTarget(url: string): RequestTarget {
  const end = url.search(/[?#]/);
  const path = (end < 0 ? url : url.slice(0, end)).replace(/^\/+/, "");
  if (isVaultEndpoint(path)) return { service: "vault", path, endpoint: path };
  const endpoint = path
    .split("/")
    .map((segment) => (identifier.test(segment) ? "{id}" : segment))
    .join("/");
  return { service: path.startsWith("vault/") ? "vault" : "authn", path, endpoint };
}
