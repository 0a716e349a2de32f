import { expect, test } from "vitest";
import { StorageRejectedError, StorageUnavailableError } from "../../../src/errors.ts";
import { IndexSchemes } from "../../../src/storage/vault/index-schemes.ts";
import { SecretLookup } from "../../../src/storage/vault/secret-lookup.ts";
import { VaultCalls } from "../../../src/storage/vault/vault-calls.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { VaultInMemory } from "../../support/vault-in-memory.ts";

const writer = "pangea-authn-fastmcp";
const kind = "index.scheme";
const nameOf = (scheme: string) => `index of pangea-authn-fastmcp: ${scheme}`;

function open({ vault = new VaultInMemory(), folder }: { vault?: VaultInMemory; folder?: string } = {}) {
  const clock = new ManualClock();
  const calls = new VaultCalls(vault, { timeout: 1_000, random: () => 0, delay: async () => undefined });
  const schemes = new IndexSchemes(calls, new SecretLookup(calls, folder), { folder, clock: clock.read });
  return { vault, clock, schemes };
}
const stores = ({ requests }: VaultInMemory) =>
  requests.flatMap(([method, request]) => (method === "secretStore" ? [request] : []));

test.each([
  [undefined, {}],
  ["/mcp", { folder: "/mcp" }],
])("in the folder %s the schemes that are wanted are announced once, and seen by others", async (folder, place) => {
  const { schemes, vault } = open({ ...(folder !== undefined && { folder }) });
  await schemes.announce();
  expect(vault.requests).toEqual([]);
  for (const scheme of ["one", undefined, "one", "two"]) schemes.want(() => scheme);
  expect(schemes.isAnnounced("one")).toBe(false);
  await Promise.all([schemes.announce(), schemes.announce()]);
  expect(["one", "two", "three"].map((scheme) => schemes.isAnnounced(scheme))).toEqual([true, true, false]);
  const common = { type: "secret", ...place, metadata: { writer, kind } };
  const announced = ["one", "two"].map((scheme) => ({ ...common, name: nameOf(scheme), secret: scheme }));
  expect(stores(vault)).toStrictEqual(announced);
  const before = vault.requests.length;
  await schemes.announce();
  expect(vault.requests).toHaveLength(before);
  const other = open({ vault, ...(folder !== undefined && { folder }) });
  other.schemes.want(() => "one");
  await other.schemes.announce();
  expect(other.schemes.isAnnounced("one")).toBe(true);
  expect(stores(vault)).toHaveLength(2);
  expect(await other.schemes.all()).toEqual(new Set(["one", "two"]));
});

test("a scheme that is known only later is announced then", async () => {
  const { schemes } = open();
  let scheme: string | undefined;
  schemes.want(() => scheme);
  await schemes.announce();
  scheme = "late";
  await schemes.announce();
  expect(schemes.isAnnounced("late")).toBe(true);
});

test("what announces nothing is no scheme, though a search shows it", async () => {
  const { schemes, vault } = open();
  vault.plant({ name: nameOf("one"), secret: "one", metadata: { writer, kind } });
  vault.plant({ name: nameOf("of another kind"), secret: "two", metadata: { writer, kind: "login" } });
  vault.plant({ name: "of another name", secret: "three", metadata: { writer, kind } });
  vault.plant({ name: `not ${nameOf("")}`, secret: "four", metadata: { writer, kind } });
  // A Vault that passes over the filter.
  vault.getBulk = async () => ({ result: { items: vault.items } });
  expect(await schemes.all()).toEqual(new Set(["one"]));
});

const out = new StorageUnavailableError("It is out.", { effect: "none" });
const refused = new StorageRejectedError("Vault refuses.", { effect: "none" });

test.each([
  ["an outage is over, a minute later", out, [false, false, true]],
  ["a refusal stays", refused, [false, false, false]],
])("after a failure of an announcement, %s", async (_, failure, expected) => {
  const { schemes, vault, clock } = open();
  schemes.want(() => "one");
  vault.before = (method) => {
    if (method === "secretStore") throw failure;
  };
  await schemes.announce();
  const isAnnounced = [schemes.isAnnounced("one")];
  vault.before = () => undefined;
  for (const seconds of [59, 1]) {
    clock.advanceSeconds(seconds);
    await schemes.announce();
    isAnnounced.push(schemes.isAnnounced("one"));
  }
  expect(isAnnounced).toEqual(expected);
});

test.each([
  ["another instance was faster", refused, kind, true],
  ["the name is that of something else", refused, "login", false],
  ["nothing has the name", refused, undefined, false],
  ["the outcome is unknown", out, kind, false],
])("where a store fails, and %s, it is looked whether the scheme is announced", async (_, failure, found, expected) => {
  const { schemes, vault } = open();
  schemes.want(() => "one");
  vault.before = (method) => {
    if (method !== "secretStore") return;
    if (found !== undefined) {
      vault.plant({ name: nameOf("one"), secret: "one", metadata: { writer, kind: found } });
    }
    throw failure;
  };
  await schemes.announce();
  expect(schemes.isAnnounced("one")).toBe(expected);
});

test("an announcement that is under way is waited for", async () => {
  const { schemes, vault } = open();
  schemes.want(() => "one");
  await schemes.settled();
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  vault.before = () => answered;
  void schemes.announce();
  let isSettled = false;
  const settled = schemes.settled().then(() => {
    isSettled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isSettled).toBe(false);
  answer();
  await settled;
  expect(schemes.isAnnounced("one")).toBe(true);
});
