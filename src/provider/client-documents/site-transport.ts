import { isIP } from "node:net";
import { documentRefused } from "./document-failure.ts";
import { isPublicAddress } from "./public-address.ts";

/** What a site answered, before anything of it was looked at. */
export interface SiteReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the request, whether the body was read or not. */
  end(): void;
}

/**
 * Asks a site for a document, and follows no redirect.
 *
 * @param limit - Aborts when the time is over.
 * @throws {OAuthError} with `invalid_client` for a host that must not be asked, `temporarily_unavailable` where the site
 * does not answer.
 */
export type SiteTransport = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  limit: AbortSignal,
) => Promise<SiteReply>;

/** The host without the brackets that a URL puts around an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

/**
 * Requires that a host has addresses, all of them public. One private address among public ones refuses the host: no
 * honest site has such a set. An absent name and a private address get the same answer, so that nobody can map the names
 * of our network.
 *
 * @throws {OAuthError} with `invalid_client`.
 */
export function requirePublic(addresses: readonly string[]): void {
  if (addresses.length > 0 && addresses.every(isPublicAddress)) return;
  throw documentRefused("must be on a host whose name this server finds, with public addresses and no others");
}

/** True for an address, and for a name that no public name server has (RFC 6761, RFC 6762, RFC 8375, RFC 9476). */
export function isNameOfLocalNetwork(hostname: string): boolean {
  return (
    isIP(hostname) === 0 && (!hostname.includes(".") || /\.(?:localhost|local|internal|home\.arpa|alt)$/.test(hostname))
  );
}
