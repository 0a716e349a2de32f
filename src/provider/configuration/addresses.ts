import { requireIssuerUrl, requireThat } from "../../option-checks.ts";
import { callbackPath, paths, withoutLastSlashes } from "../oauth/paths.ts";
import type { Upstream } from "../upstream/contract.ts";
import type { ProviderInternals } from "./internals.ts";
import type { McpOAuthProviderOptions } from "./options.ts";

/** Where the authorization server and the MCP endpoint are. */
export interface Addresses {
  /** The base URL, without a slash at its end. */
  readonly baseUrl: string;
  /** The issuer, byte for byte as clients see it. */
  readonly issuer: string;
  /** The URL of the MCP endpoint. */
  readonly resource: string;
}

const defaultPath = "/mcp";

/**
 * Checks the addresses and fills in the defaults.
 *
 * @param upstreams - Each names the path of its callback.
 * @throws {ConfigurationError} when one is wrong.
 */
export function configureAddresses(
  { baseUrl: givenBaseUrl, issuerUrl, path: givenPath }: McpOAuthProviderOptions,
  upstreams: readonly Pick<Upstream, "id">[],
  nameOf: NonNullable<ProviderInternals["nameOf"]>,
): Addresses {
  const baseUrl = withoutLastSlashes(requireBaseUrl(nameOf("baseUrl"), givenBaseUrl));
  const issuer = issuerUrl === undefined ? baseUrl : requireIssuerUrl(nameOf("issuerUrl"), issuerUrl);
  const path: unknown = givenPath ?? defaultPath;
  const isPath = typeof path === "string" && /^(?:\/|(?:\/[\w.~!$&'()*+,;=:@%-]+)+\/?)$/.test(path);
  requireThat(
    isPath,
    `${nameOf("path")} must be a path that starts with a slash, such as "/mcp", or "/" for the root.`,
  );
  const isPattern = /\*|\/:/.test(path);
  requireThat(
    !isPattern,
    `${nameOf("path")} is a pattern of routes: give the one path of the MCP endpoint, such as "/mcp".`,
  );
  const callbacks = upstreams.map(({ id }) => callbackPath(id));
  const taken: readonly string[] = [...Object.values(paths), ...callbacks];
  const endpoint = [...callbacks, paths.authorize].find((own) => baseUrl.endsWith(own));
  requireThat(
    endpoint === undefined,
    `${nameOf("baseUrl")} ends in ${endpoint}, which is a path below it: leave that off.`,
  );
  const [ending] = /\/(?:mcp|sse|messages)$/i.exec(new URL(baseUrl).pathname) ?? [];
  requireThat(
    givenPath !== undefined || ending === undefined,
    `${nameOf("baseUrl")} ends in ${ending}, so the MCP endpoint would be ${baseUrl}${defaultPath}. Leave ${ending} off${ending === defaultPath ? "" : `, and set ${nameOf("path")} to "${ending}" where that is the MCP endpoint`}; or set ${nameOf("path")}, to "${defaultPath}" where both are meant.`,
  );
  const ownPath = path.replace(/\/$/, "");
  requireThat(!taken.includes(ownPath), `${nameOf("path")} must not be ${path}: that is a path of OAuth.`);
  return { baseUrl, issuer, resource: baseUrl + ownPath };
}

/**
 * Checks the base URL, and gives it as every client writes it: the host in small letters and in ASCII, no port that goes
 * without saying. Clients compare what they were given with what this server says of itself.
 *
 * @throws {ConfigurationError} when the URL is none, or has what clients and proxies make something else of.
 */
function requireBaseUrl(name: string, value: unknown): string {
  const given = requireIssuerUrl(name, value);
  const { hostname, href, pathname } = new URL(given);
  requireThat(
    !hostname.endsWith("."),
    `${name} has a dot behind its host, which is another host to browsers and certificates: leave it off, as in ${href.replace(hostname, hostname.slice(0, -1))}.`,
  );
  const path = withoutLastSlashes(pathname);
  requireThat(
    !path.includes("//"),
    `${name} has two slashes in a row, of which proxies make one: give ${new URL(path.replaceAll(/\/{2,}/g, "/"), href).href}.`,
  );
  requireThat(
    !/%(?![\da-f]{2})|%(?:2f|5c|2e|00)/i.test(path),
    `${name} has a percent sign in its path that encodes nothing, or a slash, a backslash or a dot, which proxies take for another path: leave it out.`,
  );
  return href;
}
