import ipaddr from "ipaddr.js";
import { withoutPort } from "../oauth/caller-address.ts";

/**
 * Who counts as one. One household or server has a whole /64 of IPv6 addresses, so those are one caller. One site or
 * customer may have a /48, which is 65,536 of them, so those share a limit as well. An IPv4 caller that comes through
 * a translator (RFC 6052) is told from the others by the IPv4 address: all of them have the translator's /64.
 */
export function identify(caller: string): { readonly key: string; readonly network?: string } {
  const named = withoutPort(caller.trim());
  if (!ipaddr.isValid(named)) return { key: named };
  const address = ipaddr.process(named);
  const bytes = address.toByteArray();
  if (address.kind() === "ipv4") return { key: address.toString() };
  if (address.range() === "rfc6052") return { key: bytes.slice(12).join(".") };
  return { key: `${bytes.slice(0, 8).join(".")}/64`, network: `${bytes.slice(0, 6).join(".")}/48` };
}
