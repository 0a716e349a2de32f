import ipaddr from "ipaddr.js";

/**
 * An address as proxies write it, without its quotation marks and brackets (RFC 7239 section 6) and its port: a caller has
 * another port with each connection.
 */
export function withoutPort(caller: string): string {
  const [, bracketed, dotted] = /^"?(?:\[([^[\]]+)\]|(\d+(?:\.\d+){3}))(?::\d+)?"?$/.exec(caller) ?? [];
  const address = bracketed ?? dotted;
  return address !== undefined && ipaddr.isValid(address) ? address : caller;
}

/**
 * The network that a caller is in, coarse enough to be no person: a /24 of IPv4 or a /48 of IPv6, such as `203.0.113.0/24`.
 * Undefined for a caller that is no address.
 */
export function networkOf(caller: string): string | undefined {
  const named = withoutPort(caller.trim());
  if (!ipaddr.isValid(named)) return undefined;
  const address = ipaddr.process(named);
  if (address.kind() === "ipv4") return `${ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/24`)}/24`;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/48`)}/48`;
}
