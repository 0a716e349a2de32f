import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { BrowserSession } from "../support/browser-session.ts";
import { hasOpenApi, openApiProblems, replySchema } from "./authn/openapi-oracle.ts";
import { logIn, present, type ServedAuthn, serveAuthn, serviceToken } from "./authn/served-authn.ts";
import { type EmulatedVaultUnderTest, startVault } from "./emulated-vault.ts";
import { isOracleHere, loadOracle, specification } from "./vault/openapi-oracle.ts";

interface Schema {
  readonly title?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** The members of the request to an endpoint, those of every kind of item that the emulator has. */
function membersOf(file: URL | string, path: string, titles: readonly string[] = ["Secret", "Folder"]): string[] {
  const { paths } = JSON.parse(readFileSync(file, "utf8"));
  const schema: Schema = paths[path].post.requestBody.content["application/json"].schema;
  const variants = schema.anyOf ?? schema.oneOf;
  const meant = variants === undefined ? [schema] : variants.filter(({ title = "" }) => titles.includes(title));
  return [...new Set(meant.flatMap(({ properties = {} }) => Object.keys(properties)))].sort();
}

let here: EmulatedVaultUnderTest;
let secretId = "";
let folderId = "";

/** A request that is right, and for each of its members a value that is right and one of another type. */
interface Members {
  readonly base: () => Readonly<Record<string, unknown>>;
  readonly members: Readonly<Record<string, readonly [right: () => unknown, wrong: unknown]>>;
  /** The item that a request with only this member is about, where it is another than the base's. */
  readonly about?: Readonly<Record<string, () => string>>;
}

const id = [() => secretId, 7] as const;
const name = [() => "another", 7] as const;
const folder = [() => "/elsewhere", 7] as const;
const metadata = [() => ({ a: "b" }), { a: 1 }] as const;
const tags = [() => ["a"], "a"] as const;
const date = [() => "2030-01-01T10:00:00.000Z", "soon"] as const;
const rotation = {
  rotation_frequency: [() => "10d", 10],
  rotation_state: [() => "inherited", "active"],
  rotation_grace_period: [() => "2 hrs", "soon"],
} as const;
const search = {
  filter: [() => ({ folder: "/encryption", name__contains: "my", created_at__gt: "2020-03-11" }), []],
  size: [() => 20, 101],
  order: [() => "asc", "up"],
  order_by: [() => "next_rotation", "colour"],
  last: [() => undefined, 7],
} as const;

const vaultRequests: Readonly<Record<string, Members>> = {
  "/v2/secret/store": {
    base: () => ({ secret: "text" }),
    members: {
      type: [() => "secret", "letter"],
      name,
      folder,
      metadata,
      tags,
      disabled_at: date,
      encrypting_item_id: [() => `pvi_${"a".repeat(32)}`, 7],
      secret: [() => "x".repeat(10_240), ""],
    },
  },
  "/v2/secret/rotate": {
    base: () => ({ id: secretId, secret: "text" }),
    members: { id, secret: [() => "other", ""], rotation_state: [() => "suspended", "inherited"] },
  },
  "/v2/get": { base: () => ({ id: secretId }), members: { id, version: [() => "all", true] } },
  "/v2/get_bulk": {
    base: () => ({}),
    members: { ...search, version: [() => ({ [secretId]: 1 }), { [`pvi_${"a".repeat(32)}`]: "1" }] },
  },
  "/v2/list": { base: () => ({}), members: search },
  "/v2/update": {
    base: () => ({ id: secretId }),
    members: {
      id,
      type: [() => "secret", "letter"],
      name,
      folder,
      metadata,
      tags,
      enabled: [() => false, "no"],
      disabled_at: date,
      ...rotation,
    },
    about: {
      rotation_frequency: () => folderId,
      rotation_state: () => folderId,
      rotation_grace_period: () => folderId,
    },
  },
  "/v2/delete": { base: () => ({ id: secretId }), members: { id, recursive: [() => true, "yes"] } },
  "/v2/state/change": {
    base: () => ({ id: secretId, state: "suspended" }),
    members: {
      id,
      state: [() => "compromised", "gone"],
      version: [() => 1, "1"],
      destroy_period: [() => undefined, "soon"],
    },
  },
  "/v2/folder/create": {
    base: () => ({ name: "one", folder: "/apps" }),
    members: { name: [() => "two", 7], folder, metadata, tags, ...rotation },
  },
};

describe.skipIf(!isOracleHere)("a request to Vault takes every member that Pangea's document has", () => {
  beforeEach(async () => {
    here = await startVault();
    secretId = await here.store("secret", { folder: "/apps" });
    folderId = (await here.vault.folderCreate({ name: "folder", folder: "/apps" })).result.id;
  });

  it("and every endpoint of the emulator is in the table, with every member", () => {
    for (const [path, { members }] of Object.entries(vaultRequests)) {
      expect([path, Object.keys(members).sort()]).toEqual([path, membersOf(specification, path)]);
    }
  });

  const rows = Object.entries(vaultRequests).flatMap(([path, request]) =>
    Object.keys(request.members).map((member) => [path, member] as const),
  );

  it.each(rows)("%s: %s", async (path, member) => {
    const oracle = loadOracle();
    const { base, members, about }: Members = present(vaultRequests[path]);
    const [right, wrong] = present(members[member]);
    const itemId = about?.[member]?.();
    const request = { ...base(), ...(itemId !== undefined && { id: itemId }), [member]: right() };
    const { httpStatus, text } = await here.post(`vault${path}`, request);
    expect([httpStatus, oracle.requestProblems(path, JSON.parse(JSON.stringify(request)))]).toEqual([200, []]);
    expect(oracle.replyProblems(path, 200, JSON.parse(text))).toEqual([]);

    const refused = await here.post(`vault${path}`, { ...request, [member]: wrong });
    expect([member, refused.httpStatus]).toEqual([member, 400]);
  });
});

describe("a folder", () => {
  const full = ["created_at", "folder", "id", "inherited_settings", "metadata", "name", "tags", "type"];

  it("carries its metadata, tags and inherited settings in every reply, though it has none", async () => {
    const { post, vault } = await startVault();
    const { result } = await vault.folderCreate({ name: "one", folder: "/" });
    await post("vault/v2/secret/store", { secret: "x", folder: "/made/by/the/way" });
    const replies = [
      result,
      (await vault.getItem({ id: result.id })).result,
      JSON.parse((await post("vault/v2/update", { id: result.id, tags: [] })).text).result,
      ...JSON.parse((await post("vault/v2/list", { filter: { type: "folder" } })).text).result.items,
      ...JSON.parse((await post("vault/v2/get_bulk", { filter: { type: "folder" } })).text).result.items,
    ];
    expect(replies).toHaveLength(13);
    for (const reply of replies) {
      expect(Object.keys(reply).sort()).toEqual(full);
      expect(reply).toMatchObject({ metadata: {}, tags: [], inherited_settings: {} });
    }
  });

  it("has its own settings of rotation, and those of the folders above, whose paths it names", async () => {
    const { post } = await startVault();
    const create = async (body: object) => JSON.parse((await post("vault/v2/folder/create", body)).text).result;
    await create({ name: "a", folder: "/", rotation_frequency: "10d", rotation_state: "destroyed" });
    await create({ name: "b", folder: "/a", rotation_frequency: "never", rotation_grace_period: "1d" });
    const inner = await create({ name: "c", folder: "/a/b", rotation_state: "inherited" });
    expect(inner).toMatchObject({
      rotation_frequency: "never",
      rotation_state: "destroyed",
      rotation_grace_period: "1d",
      inherited_settings: { rotation_frequency: "/a/b/", rotation_state: "/a/", rotation_grace_period: "/a/b/" },
    });
    const update = async (body: object) => JSON.parse((await post("vault/v2/update", { id: inner.id, ...body })).text);
    expect((await update({ rotation_state: "deactivated" })).result).toMatchObject({
      rotation_state: "deactivated",
      inherited_settings: { rotation_frequency: "/a/b/", rotation_grace_period: "/a/b/" },
    });
    expect((await update({ rotation_state: "inherited" })).result).toEqual(inner);
  });

  it("says what becomes of a version that is rotated, where the request does not", async () => {
    const { post, store } = await startVault();
    await post("vault/v2/folder/create", { name: "a", folder: "/", rotation_state: "destroyed" });
    const stateAfter = async (folder: string) => {
      const id = await store("secret", { folder });
      await post("vault/v2/secret/rotate", { id, secret: "next" });
      return JSON.parse((await post("vault/v2/get", { id, version: 1 })).text).result.item_versions[0].state;
    };
    expect([await stateAfter("/a/b"), await stateAfter("/c")]).toEqual(["destroyed", "deactivated"]);
  });
});

describe("a request to AuthN", () => {
  let served: ServedAuthn;
  beforeEach(async () => {
    served = await serveAuthn();
    return () => served[Symbol.asyncDispose]();
  });
  const post = async (path: string, body: unknown) => {
    const headers = { authorization: `Bearer ${serviceToken}`, "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const response = await fetch(`${served.issuer}/authn${path}`, init);
    return { status: response.status, reply: await response.json() };
  };
  type Login = Awaited<ReturnType<typeof logIn>>;
  const rows: readonly (readonly [string, (tokens: Login) => object])[] = [
    ["/v2/client/token/check", ({ access_token: token }) => ({ token })],
    [
      "/v2/client/session/refresh",
      (tokens) => ({ refresh_token: present(tokens.refresh_token), user_token: tokens.access_token }),
    ],
    ["/v2/client/session/logout", ({ access_token: token }) => ({ token })],
    ["/v2/session/logout", () => ({ user_id: served.authn.userId("ada@example.com") })],
  ];

  it.skipIf(!hasOpenApi).each(rows)("%s takes every member and has every one that is required", async (path, body) => {
    const request = body(await logIn(served, { browser: new BrowserSession() }));
    expect(Object.keys(request).sort()).toEqual(membersOf(authnSpecification, path));
    const { status, reply } = await post(path, request);
    expect([status, openApiProblems(replySchema(path, 200), reply)]).toEqual([200, []]);
  });

  it.each(rows)("%s takes what the SDKs add where a project has several configurations", async (path, body) => {
    const request = body(await logIn(served, { browser: new BrowserSession() }));
    expect((await post(path, { ...request, config_id: "pci_a" })).status).toBe(200);
    expect((await post(path, { ...request, config: "pci_a" })).status).toBe(400);
  });
});

const authnSpecification = new URL("../../../shared/pangea-openapi/authn.openapi.json", import.meta.url);
