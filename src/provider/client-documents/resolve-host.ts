import { Resolver } from "node:dns/promises";
import type { ResolveHost } from "../configuration/client-documents-options.ts";

/** How a name's absence is told: there is no such name, there can be none, or it has no address of this family. */
const absences: ReadonlySet<unknown> = new Set(["ENOTFOUND", "EBADNAME", "ENODATA"]);

/**
 * Asks the system's name servers for a host's IPv4 and IPv6 addresses, IPv4 first. It does not go through the system's
 * resolver (`getaddrinfo`): that one holds a thread of Node's small pool for as long as a hostile name server likes,
 * and adds the hosts file and the search domains, which hold private names only.
 *
 * @param servers - Name servers to ask in place of the system's, as `address:port`.
 *
 * @example
 * ```ts
 * await createHostResolver()("example.com", AbortSignal.timeout(5000));
 * ```
 */
export function createHostResolver(servers?: readonly string[]): ResolveHost {
  return async (hostname, signal) => {
    signal.throwIfAborted();
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    if (servers !== undefined) resolver.setServers(servers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
      const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
      const failure = answers.find((answer) => answer.status === "rejected" && !absences.has(codeOf(answer.reason)));
      if (addresses.length === 0 && failure?.status === "rejected") throw failure.reason;
      return addresses;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
}

function codeOf(failure: unknown): unknown {
  return failure instanceof Error && "code" in failure ? failure.code : undefined;
}
