import { isIP } from "node:net";
import type { FetchDocument } from "../configuration/client-documents-options.ts";
import { documentRefused, documentUnavailable } from "./document-failure.ts";
import { hostOf, isNameOfLocalNetwork, requirePublic, type SiteTransport } from "./site-transport.ts";

/**
 * Asks by a `fetch` of the operator's, such as one that goes through an egress proxy. The addresses behind a name are the
 * proxy's affair then. What the URL itself says is looked at here: an address must be public, and a name must not be one
 * of a local network.
 */
export function fetchTransport(send: FetchDocument): SiteTransport {
  return async (url, headers, limit) => {
    const hostname = hostOf(url);
    if (isIP(hostname) !== 0) requirePublic([hostname]);
    if (isNameOfLocalNetwork(hostname)) requirePublic([]);
    const response = await send(new Request(url, { headers, redirect: "manual", signal: limit }));
    const { status, headers: received, body } = response;
    const end = (): void => void body?.cancel().catch(() => {});
    if (response.redirected || (response.url !== "" && response.url !== url.href)) {
      end();
      throw documentRefused("must be served at its own URL, without a redirect");
    }
    // No site asks this server to log in at its proxy: the proxy itself does.
    if (status === 407) {
      end();
      throw documentUnavailable(
        "the proxy of this server refuses it",
        Object.assign(new Error("The proxy asks for credentials."), { code: "HTTP_407" }),
      );
    }
    return { status, headers: Object.fromEntries(received), body: body ?? nothing(), end };
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
