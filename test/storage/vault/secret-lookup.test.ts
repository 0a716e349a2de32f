import { describe, expect, test } from "vitest";
import { SecretLookup } from "../../../src/storage/vault/secret-lookup.ts";
import { VaultCalls } from "../../../src/storage/vault/vault-calls.ts";
import type { VaultReply, VaultSearch, VaultServiceLike } from "../../../src/storage/vault/vault-service.ts";

const itemOf = (name: string, id = `pvi_${name}`) => ({ id, name, item_versions: [{ version: 1, secret: name }] });
const pageOf = (items: readonly unknown[], last?: string): VaultReply => ({ result: { items, ...(last && { last }) } });
const refusal = (status: string) => Promise.reject(Object.assign(new Error("refused"), { response: { status } }));
const turnIsOver = () => new Promise((resolve) => setImmediate(resolve));

/** A look-up in a Vault that answers searches as the test says. */
function lookupIn(answer: (search: VaultSearch) => VaultReply | Promise<VaultReply>, folder?: string) {
  const searches: VaultSearch[] = [];
  const unused = () => Promise.reject(new Error("not called"));
  const service: VaultServiceLike = {
    secretStore: unused,
    secretRotate: unused,
    getItem: unused,
    delete: unused,
    getBulk: async (search) => {
      searches.push(search);
      return answer(search);
    },
  };
  const settings = { timeout: 1_000, random: () => 0, delay: async () => {} };
  return { searches, lookup: new SecretLookup(new VaultCalls(service, settings), folder) };
}

/** The names that a search asks for, and the secrets that Vault has of them. */
const namesOf = ({ filter = {} }: VaultSearch): string[] => {
  const names: unknown = "name__in" in filter ? filter.name__in : "name" in filter ? [filter.name] : [];
  return Array.isArray(names) ? names : [];
};
const having =
  (...names: string[]) =>
  (search: VaultSearch) =>
    pageOf(
      namesOf(search)
        .filter((name) => names.includes(name))
        .map((name) => itemOf(name)),
    );
const isTogether = ({ filter = {} }: VaultSearch): boolean => "name__in" in filter;
const found = async (lookup: SecretLookup, names: readonly string[]) =>
  (await Promise.all(names.map((name) => lookup.find(name)))).map((secrets) => secrets.map(({ id }) => id));

describe("one name", () => {
  test.each([
    [undefined, { type: "secret", name: "a" }],
    ["/mcp", { type: "secret", folder: "/mcp", name: "a" }],
  ])("in the folder %s is looked up by itself", async (folder, filter) => {
    const { lookup, searches } = lookupIn(having("a"), folder);
    expect(await found(lookup, ["a"])).toEqual([["pvi_a"]]);
    expect(searches).toEqual([{ filter, size: 100 }]);
  });

  test("is not found in secrets of other names, which a search may show that takes a name for a part of it", async () => {
    const { lookup } = lookupIn(() => pageOf([itemOf("ab"), itemOf("a")]));
    expect(await found(lookup, ["a"])).toEqual([["pvi_a"]]);
  });

  test("may have many secrets, on several pages, the oldest first", async () => {
    const pages = [
      pageOf(
        Array.from({ length: 100 }, (_, index) => itemOf("a", `pvi_${index + 100}`)),
        "more",
      ),
      pageOf([itemOf("a", "pvi_0")]),
    ];
    const { lookup, searches } = lookupIn(() => pages[searches.length - 1] ?? pageOf([]));
    const secrets = await lookup.findOne("a");
    expect(secrets).toHaveLength(101);
    expect(secrets[0]?.id).toBe("pvi_0");
    expect(searches.map(({ last }) => last)).toEqual([undefined, "more"]);
  });
});

describe("several names of one turn", () => {
  const names = ["a", "b", "c"];

  test("are looked up together, and one by one as long as that has found nothing", async () => {
    const { lookup, searches } = lookupIn(having());
    expect(await found(lookup, names)).toEqual([[], [], []]);
    expect(searches.map(isTogether)).toEqual([true, false, false, false]);
  });

  test("are looked up together alone, once that has found something", async () => {
    const { lookup, searches } = lookupIn(having("a"));
    expect(await found(lookup, names)).toEqual([["pvi_a"], [], []]);
    expect(await found(lookup, ["b", "c"])).toEqual([[], []]);
    expect(searches.map(isTogether)).toEqual([true, true]);
  });

  test.each<[string, (search: VaultSearch) => VaultReply | Promise<VaultReply>]>([
    ["refuses the filter", () => refusal("ValidationError")],
    ["ignores the filter", () => pageOf([...names, "other"].map((name) => itemOf(name)))],
  ])("are looked up one by one from then on where Vault %s", async (_, together) => {
    const { lookup, searches } = lookupIn((search) => (isTogether(search) ? together(search) : having("b")(search)));
    for (const _ of ["first", "second"]) expect(await found(lookup, names)).toEqual([[], ["pvi_b"], []]);
    expect(searches.map(isTogether)).toEqual([true, ...Array.from({ length: 6 }, () => false)]);
  });

  test.each(["VaultItemNotFound", "Unauthorized"])("fail together where Vault answers %s", async (status) => {
    const { lookup, searches } = lookupIn(() => refusal(status));
    const outcomes = await Promise.allSettled(names.map((name) => lookup.find(name)));
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(searches.map(isTogether)).toEqual([true]);
  });

  test.each([
    [100, [100]],
    [150, [100, 50]],
  ])("are a hundred a search at the most: %i", async (count, sizes) => {
    const many = Array.from({ length: count }, (_, index) => `k${index}`);
    const { lookup, searches } = lookupIn(having(...many));
    expect(await found(lookup, many)).toEqual(many.map((name) => [`pvi_${name}`]));
    expect(searches.map((search) => namesOf(search).length)).toEqual(sizes);
  });

  test("share a search with what is looked up before that search goes out, though a full one has gone", async () => {
    const many = Array.from({ length: 100 }, (_, index) => `k${index}`);
    const { lookup, searches } = lookupIn(having(...many, "next", "late"));
    const full = found(lookup, many);
    const late = turnIsOver().then(() => found(lookup, ["late"]));
    expect(await Promise.all([found(lookup, ["next"]), late, full])).toMatchObject([
      [["pvi_next"]],
      [["pvi_late"]],
      {},
    ]);
    expect(searches.map((search) => namesOf(search).length)).toEqual([100, 2]);
  });

  test("do not wait for those of a later turn, nor these for them", async () => {
    const { lookup, searches } = lookupIn(having(...names));
    const early = [lookup.find("a"), lookup.find("b")];
    await turnIsOver();
    const late = [lookup.find("b"), lookup.find("c")];
    await Promise.all([...early, ...late]);
    expect(searches.map(namesOf)).toEqual([
      ["a", "b"],
      ["b", "c"],
    ]);
  });

  test("are looked up sixteen at a time where that is one by one", async () => {
    const many = Array.from({ length: 20 }, (_, index) => `k${index}`);
    let underWay = 0;
    let most = 0;
    const { lookup } = lookupIn(async (search) => {
      if (isTogether(search)) return refusal("ValidationError");
      underWay += 1;
      most = Math.max(most, underWay);
      await turnIsOver();
      underWay -= 1;
      return having(...many)(search);
    });
    expect(await found(lookup, many)).toEqual(many.map((name) => [`pvi_${name}`]));
    expect(most).toBe(16);
  });
});

test("what has certain metadata is all that a search for it gives", async () => {
  const { lookup, searches } = lookupIn(() => pageOf([itemOf("a"), itemOf("b")]));
  const secrets = await lookup.withMetadata({ kind: "token", label1: "label" });
  expect(secrets.map(({ id }) => id)).toEqual(["pvi_a", "pvi_b"]);
  const filter = { type: "secret", metadata_kind: "token", metadata_label1: "label" };
  expect(searches).toEqual([{ filter, size: 100 }]);
});

test("everything is listed page by page, folders left out", async () => {
  const pages = [
    pageOf([...Array.from({ length: 99 }, (_, index) => itemOf(`k${index}`)), { id: "pvi_f", name: "folder" }], "more"),
    pageOf([itemOf("last")]),
  ];
  const { lookup, searches } = lookupIn(() => pages[searches.length - 1] ?? pageOf([]), "/mcp");
  const names: string[] = [];
  for await (const { name } of lookup.all()) names.push(name);
  expect(names).toHaveLength(100);
  expect(names.at(-1)).toBe("last");
  expect(searches).toEqual([
    { filter: { type: "secret", folder: "/mcp" }, size: 100 },
    { filter: { type: "secret", folder: "/mcp" }, size: 100, last: "more" },
  ]);
});
