import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { isIP } from "node:net";
import type { ConnectPinned, ResolveHost } from "../configuration/client-documents-options.ts";
import { documentUnavailable } from "./document-failure.ts";
import { hostOf, requirePublic, type SiteTransport } from "./site-transport.ts";

const maxHeaderBytes = 8 * 1024;

/**
 * Asks a URL that a stranger chose (server-side request forgery, draft section 8.6). The name is looked up once, every
 * address must be public, and the connection goes to these addresses and no others, past any proxy.
 *
 * It is made of `node:https`, not `fetch`: Node's `fetch` can only be held to an address through a dispatcher of the
 * undici package, which need not be the undici that Node has inside.
 */
export function pinnedTransport(resolve: ResolveHost, connect: ConnectPinned): SiteTransport {
  return async (url, headers, limit) => {
    const hostname = hostOf(url);
    const addresses = isIP(hostname) === 0 ? await lookUp(resolve, hostname, limit) : [hostname];
    requirePublic(addresses);
    limit.throwIfAborted();
    const port = Number(url.port || 443);
    const outgoing = request({
      method: "GET",
      hostname,
      port,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, ...headers },
      maxHeaderSize: maxHeaderBytes,
      signal: limit,
      // Without an agent there is no connection to reuse and no proxy from the environment.
      createConnection: () => connect({ hostname, port, addresses }),
    });
    const end = (): void => void outgoing.destroy();
    try {
      const incoming = await new Promise<IncomingMessage>((answered, reject) => {
        const broken = (cause?: unknown): void => reject(documentUnavailable("its site does not answer", cause));
        outgoing.on("response", answered).on("error", broken).on("close", broken);
        outgoing.end();
      });
      return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: incoming, end };
    } catch (failure) {
      end();
      throw failure;
    }
  };
}

async function lookUp(resolve: ResolveHost, hostname: string, limit: AbortSignal): Promise<readonly string[]> {
  try {
    return await resolve(hostname, limit);
  } catch (failure) {
    throw documentUnavailable("the name of its host cannot be looked up", failure);
  }
}
