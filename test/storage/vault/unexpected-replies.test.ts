import { expect, it } from "vitest";
import { z } from "zod";
import { PangeaVaultRepository, type VaultServiceLike } from "../../../src/vault.ts";

const schema = z.object({ n: z.number() });
const item = {
  id: "pvi_a",
  type: "secret",
  name: "a",
  item_versions: [{ version: 1, secret: '{"n":1}' }],
};

/** A Vault that answers every search with the same items: the emulator gives none of these. */
function vaultThatShows(...items: unknown[]): VaultServiceLike & { readonly searches: object[] } {
  const searches: object[] = [];
  const unused = () => Promise.reject(new Error("not called"));
  return {
    searches,
    getBulk: async (search) => {
      searches.push(search.filter ?? {});
      return { result: { items } };
    },
    getItem: unused,
    secretStore: unused,
    secretRotate: unused,
    delete: unused,
  };
}

it.each([
  ["versions of another form", { ...item, item_versions: "none" }],
  ["a version that is text", { ...item, item_versions: [{ version: "1", secret: '{"n":1}' }] }],
  ["metadata that is no map of texts", { ...item, metadata: { kind: 1 } }],
  ["no id", { ...item, id: undefined }],
])("an item with %s is a failure of the store, not an absent record", async (_, unexpected) => {
  const repository = new PangeaVaultRepository(schema, vaultThatShows(unexpected));
  for (const call of [() => repository.get("a"), () => repository.take("a"), () => repository.delete("a")]) {
    await expect(call()).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
  }
});

it.each([
  ["null where others leave a member out", { ...item, metadata: null, last_rotated: null, enabled: null }],
  ["members that nobody knows", { ...item, colour: "blue" }],
])("an item with %s is read", async (_, unusual) => {
  expect(await new PangeaVaultRepository(schema, vaultThatShows(unusual)).get("a")).toEqual({ n: 1 });
});

it("a folder among the items is passed over", async () => {
  const folder = { id: "pvi_b", type: "folder", name: "a", folder: "/" };
  expect(await new PangeaVaultRepository(schema, vaultThatShows(folder, item)).get("a")).toEqual({ n: 1 });
});

it("one refusal of many names, after they have been found before, does not end the use of name__in", async () => {
  const vault = vaultThatShows(item, { ...item, id: "pvi_b", name: "b" });
  let refused = false;
  const refusing: VaultServiceLike = {
    ...vault,
    getBulk: (search) => {
      if (!refused) return vault.getBulk(search);
      refused = false;
      return Promise.reject(Object.assign(new Error(), { response: { status: "ValidationError" } }));
    },
  };
  const repository = new PangeaVaultRepository(schema, refusing);
  const getBoth = () => Promise.all([repository.get("a"), repository.get("b")]);
  await getBoth();
  refused = true;
  expect(await getBoth()).toEqual([{ n: 1 }, { n: 1 }]);
  vault.searches.length = 0;
  await getBoth();
  expect(vault.searches).toEqual([{ type: "secret", folder: "/pangea-authn-fastmcp", name__in: ["a", "b"] }]);
});
