import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Azure's platform service: routable in form, yet it answers inside a virtual machine only. */
const azurePlatform = "168.63.129.16";

const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * True for an address of the public internet: none of the special-purpose ranges of RFC 6890 (private, loopback,
 * link-local with the clouds' metadata services, shared, multicast, reserved, unique-local), and no IPv6 address that
 * carries an IPv4 one to a translator (mapped, NAT64, 6to4, Teredo). What cannot be read is not public.
 *
 * @example
 * ```ts
 * isPublicAddress("93.184.215.14"); // true
 * isPublicAddress("::ffff:169.254.169.254"); // false
 * ```
 */
export function isPublicAddress(address: string): boolean {
  // Only the usual notation: the parser below would also take "0x7f.1", and an IPv6 zone.
  if (isIP(address) === 0 || address.includes("%")) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" ? address !== azurePlatform : parsed.match(globalUnicast);
}
