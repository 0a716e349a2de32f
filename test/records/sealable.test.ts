import { expect, test } from "vitest";
import { giveKeys, labelWith, sealWith } from "../../src/records/sealable.ts";
import { KeyRing } from "../../src/secrets/key-ring.ts";

const keys = KeyRing.from("the secret of a server that has repositories");

test.each([
  ["wait for keys to seal with", [sealWith]],
  ["wait for keys for labels", [labelWith]],
  ["wait for both", [sealWith, labelWith]],
  ["wait for none", []],
] as const)("repositories that %s get what they wait for", (_, waiting) => {
  const given: unknown[] = [];
  const waits = waiting.map((name) => [name, (got: unknown) => void given.push([name, got])] as const);
  giveKeys(Object.fromEntries(waits), keys);
  expect(given).toEqual(waiting.map((name) => [name, keys]));
});

test("repositories that have something else by that name get nothing", () => {
  expect(() => giveKeys({ [sealWith]: "text", [labelWith]: undefined }, keys)).not.toThrow();
});
