import { describe, expect, it } from "vitest";
import { networkOf, withoutPort } from "../../../src/provider/oauth/caller-address.ts";

describe("a caller", () => {
  it.each([
    ["203.0.113.77", "203.0.113.77"],
    ["203.0.113.77:8080", "203.0.113.77"],
    ['"203.0.113.77"', "203.0.113.77"],
    ['"203.0.113.77:8080"', "203.0.113.77"],
    ["2001:db8::1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ['"[2001:db8::1]:443"', "2001:db8::1"],
  ])("%s has the address %s", (caller, address) => {
    expect(withoutPort(caller)).toBe(address);
  });

  it.each([
    "somebody",
    "[somebody]",
    "[[2001:db8::1]]",
    "999.0.113.77:8080",
    "x203.0.113.77",
    "203.0.113.77x",
    "203.0.113.77:x",
    "x[2001:db8::1]",
    "[2001:db8::1]x",
    "",
  ])("%j is who it says it is, for that is no address", (caller) => {
    expect(withoutPort(caller)).toBe(caller);
  });
});

it.each([
  ["203.0.113.77", "203.0.113.0/24"],
  [" 203.0.113.77:8080 ", "203.0.113.0/24"],
  ["::ffff:198.51.100.9", "198.51.100.0/24"],
  ["2001:db8:abcd:12::1", "2001:db8:abcd::/48"],
  ['"[2001:db8:abcd:12::1]:443"', "2001:db8:abcd::/48"],
  ["somebody", undefined],
  ["", undefined],
])("%j is in the network %s", (caller, network) => {
  expect(networkOf(caller)).toBe(network);
});
