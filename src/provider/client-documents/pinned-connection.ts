import { isIP, type LookupFunction } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import type { PinnedTarget } from "../configuration/client-documents-options.ts";

/**
 * Opens a TLS connection to the addresses that were checked, and asks no name server: between check and connect there
 * is nothing that could be rebound. The certificate must be that of the host name.
 *
 * @param certificateAuthority - Certificates to trust in place of the well-known ones, in PEM.
 *
 * @example
 * ```ts
 * connectPinned({ hostname: "app.example", port: 443, addresses: ["93.184.215.14"] });
 * ```
 */
export function connectPinned(target: PinnedTarget, certificateAuthority?: string): TLSSocket {
  const { hostname, port, addresses } = target;
  return connect({
    // A literal is connected to as it is, a name goes through the function below.
    host: hostname,
    port,
    lookup: pinnedLookup(addresses),
    servername: isIP(hostname) === 0 ? hostname : "",
    ALPNProtocols: ["http/1.1"],
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    ...(certificateAuthority !== undefined && { ca: certificateAuthority }),
  });
}

function pinnedLookup(addresses: readonly string[]): LookupFunction {
  const answers = addresses.map((address) => ({ address, family: isIP(address) }));
  return (hostname, options, callback) => {
    const [first] = answers;
    if (first === undefined) {
      callback(new Error(`No address of ${hostname} was checked.`), "", 0);
    } else if (options.all === true) {
      callback(null, answers);
    } else {
      callback(null, first.address, first.family);
    }
  };
}
