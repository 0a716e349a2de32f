import { describe, expect, it } from "vitest";
import { clientIdsOf } from "../../../src/provider/clients/client-ids.ts";
import { ClientRegistry } from "../../../src/provider/clients/client-registry.ts";
import { createInMemoryRepositories, type ProviderRepositories } from "../../../src/records/repositories.ts";
import { configured } from "../../support/configured.ts";
import { gated } from "../../support/gated-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { recordsOf } from "../../support/records-of.ts";

const day = 86_400;
const old = "the secret of last year, which is long enough";
const current = "the secret of this year, which is long enough";
const metadata = {
  redirect_uris: ["http://127.0.0.1:53421/callback", "https://app.example/callback"],
  token_endpoint_auth_method: "none",
  grant_types: ["authorization_code", "refresh_token"],
  client_name: "App",
  scope: "user admin",
};

interface Server {
  readonly clock?: ManualClock;
  readonly repositories?: ProviderRepositories;
  readonly secret?: string | readonly string[];
  readonly baseUrl?: string;
  readonly clientRegistration?: { readonly firstLoginWithinSeconds: number };
}

function start({ clock = new ManualClock(), repositories, secret = old, baseUrl, clientRegistration }: Server = {}) {
  const stores = repositories ?? createInMemoryRepositories({ clock: clock.read });
  const configuration = configured(
    {
      repositories: stores,
      secret,
      ...(baseUrl !== undefined && { baseUrl }),
      ...(clientRegistration !== undefined && { clientRegistration }),
    },
    clock,
  );
  const registry = new ClientRegistry(configuration, { find: async () => undefined });
  const idOf = async (changes: Readonly<Record<string, unknown>> = {}) =>
    (await registry.register({ ...metadata, ...changes })).client_id;
  return { clock, repositories: stores, registry, idOf };
}

describe("a client that registers as it did before", () => {
  it("is the same client, and leaves one record, however often it starts", async () => {
    const { clock, repositories, registry, idOf } = start();
    const first = await registry.register(metadata);
    for (let starts = 0; starts < 40; starts += 1) {
      clock.advanceSeconds(3600);
      expect(await registry.register(metadata)).toEqual(first);
    }
    expect(await recordsOf(repositories.clients)).toHaveLength(1);
    expect(first.client_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await idOf()).toBe(first.client_id);
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ["in another order", { scope: "admin  user", grant_types: [...metadata.grant_types].reverse() }],
    ["with its redirect URIs in another order", { redirect_uris: [...metadata.redirect_uris].reverse() }],
    ["at another port", { redirect_uris: ["http://127.0.0.1:9/callback", "https://app.example/callback"] }],
    ["with what is dropped", { client_uri: "app", jwks: 5, unheard: "of", contacts: [], logo_uri: null }],
    ["in a new version", { software_version: "2.0.1" }],
    ["with the members in another order", Object.fromEntries(Object.entries(metadata).reverse())],
  ])("%s is the same one", async (_, changes) => {
    const { idOf } = start();
    expect(await idOf(changes)).toBe(await idOf());
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ["another name", { client_name: "Other" }],
    ["another redirect URI", { redirect_uris: ["https://app.example/callback"] }],
    ["another loopback path", { redirect_uris: ["http://127.0.0.1:53421/", "https://app.example/callback"] }],
    ["another loopback host", { redirect_uris: ["http://localhost:53421/callback", "https://app.example/callback"] }],
    ["the port of a site", { redirect_uris: [metadata.redirect_uris[0], "https://app.example:8443/callback"] }],
    ["another scope", { scope: "user" }],
    ["other grants", { grant_types: ["authorization_code"] }],
    ["another program", { software_id: "other" }],
    ["keys", { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://app.example/keys" }],
  ])("with %s is another one", async (_, changes) => {
    const { idOf } = start();
    expect(await idOf(changes)).not.toBe(await idOf());
  });

  it("is answered with its own ports, and matches any", async () => {
    const { registry } = start();
    const first = await registry.register(metadata);
    const redirect_uris = ["http://127.0.0.1:9/callback", "https://app.example/callback"];
    expect(await registry.register({ ...metadata, redirect_uris })).toEqual({ ...first, redirect_uris });
  });

  it("is another one each time where it gets a secret", async () => {
    const { idOf } = start();
    const method = { token_endpoint_auth_method: "client_secret_post" };
    expect(await idOf(method)).not.toBe(await idOf(method));
  });

  it("is known again after the store was emptied, and nobody else could tell its id", async () => {
    const id = await start().idOf();
    expect(await start().idOf()).toBe(id);
    expect(await start({ secret: current }).idOf()).not.toBe(id);
    expect(await start({ baseUrl: "https://other.example" }).idOf()).not.toBe(id);
  });

  it("has the id that every version of this server gives it, since applications keep it", async () => {
    expect(await start().idOf()).toBe("f35f320b-c45c-8d36-a5a6-7c1fa74d786a");
  });

  it("keeps its registration for the first login anew, and never shortens it", async () => {
    const { clock, repositories, registry, idOf } = start({ clientRegistration: { firstLoginWithinSeconds: day } });
    const id = await idOf();
    const until = async () => ((await repositories.clients.get(id))?.expiresAt ?? 0) - clock.seconds();
    clock.advanceSeconds(0.9 * day);
    await idOf();
    expect(await until()).toBe(day);
    await registry.renewIfDue(id);
    await idOf();
    expect(await until()).toBe(90 * day);
    clock.advanceSeconds(89.5 * day);
    await idOf();
    expect(await until()).toBe(day);
  });

  it("costs no write where it is known", async () => {
    const clock = new ManualClock();
    const stores = createInMemoryRepositories({ clock: clock.read });
    const clients = gated(stores.clients);
    const { idOf } = start({ clock, repositories: { ...stores, clients } });
    await idOf();
    const { set, add, get } = clients.calls;
    await idOf();
    expect([clients.calls.set, clients.calls.add, clients.calls.get]).toEqual([set, add, get + 1]);
  });

  it("is one client where two instances register it at the same moment", async () => {
    const one = start();
    const other = start(one);
    const ids = await Promise.all([one.idOf(), other.idOf(), one.idOf()]);
    expect(new Set(ids).size).toBe(1);
    expect(await recordsOf(one.repositories.clients)).toHaveLength(1);
  });
});

it("the people to ask are part of a client, in whatever order it names them", async () => {
  const { idOf } = start();
  const [one, other] = ["ada@app.example", "grace@app.example"];
  const id = await idOf({ contacts: [one, other] });
  expect(await idOf({ contacts: [other, one] })).toBe(id);
  for (const contacts of [[one], [other], []]) expect(await idOf({ contacts })).not.toBe(id);
});

it("scopes are told apart as words, and members by their names", () => {
  const keys = configured().keys.derive("client id");
  const idOf = (scope: string) =>
    clientIdsOf({ redirect_uris: [], grant_types: [], response_types: [], scope, client_name: "App" }, keys);
  expect(idOf("ab c")).not.toEqual(idOf("a bc"));
  expect(idOf("ab c")).toEqual(idOf("c ab"));
  const { scope, ...others } = { scope: "ab c", client_name: "App", redirect_uris: [], response_types: [] };
  expect(clientIdsOf({ ...others, scope, grant_types: [] }, keys)).toEqual(idOf("ab c"));
});

describe("while the secret of the server is replaced, a client that registers again", () => {
  it("is the same one with the old secret, with both, and with the new one", async () => {
    const before = start();
    const id = await before.idOf();
    const both = start({ ...before, secret: [current, old] });
    expect(await both.idOf()).toBe(id);
    const after = start({ ...before, secret: current });
    expect(await after.idOf()).toBe(id);
    expect(await after.registry.find(id)).toMatchObject({ source: "registered", information: { client_id: id } });
    const next = start({ ...before, secret: ["the secret of next year, which is long enough", current] });
    expect(await next.idOf()).toBe(id);
    expect(await start({ ...before, secret: "the secret of next year, which is long enough" }).idOf()).toBe(id);
  });

  it("has the id of the last one of three, and when it was first registered", async () => {
    const before = start();
    const first = await before.registry.register(metadata);
    before.clock.advanceSeconds(60);
    expect(
      await start({ ...before, secret: ["a third one, which is long enough too, I hope", current, old] }).idOf(),
    ).toBe(first.client_id);
    expect(await start({ secret: ["a third one, which is long enough too, I hope", current, old] }).idOf()).toBe(
      first.client_id,
    );
    await start({ ...before, secret: [current, old] }).idOf();
    before.clock.advanceSeconds(60);
    expect(await start({ ...before, secret: current }).registry.register(metadata)).toEqual(first);
  });

  it("is the same one at instances that have both secrets already and at those that do not", async () => {
    const one = start({ secret: [current, old] });
    const other = start({ ...one, secret: old });
    expect(await one.idOf()).toBe(await other.idOf());
  });

  it("is known again after the store was emptied", async () => {
    const id = await start().idOf();
    expect(await start({ secret: [current, old] }).idOf()).toBe(id);
  });

  it("leaves a pointer that is no client, and no second one", async () => {
    const { repositories, registry, idOf } = start({ secret: [current, old] });
    const id = await idOf();
    await idOf();
    const records = await recordsOf(repositories.clients);
    expect(records.map(([, { client_id }]) => client_id)).toEqual([id, id]);
    const pointer = records.map(([key]) => key).find((key) => key !== id) ?? "";
    expect(await registry.find(pointer)).toBeUndefined();
  });

  it("has a pointer that lasts as long as the client, which is written only where it does not", async () => {
    const clock = new ManualClock();
    const stores = createInMemoryRepositories({ clock: clock.read });
    const clients = gated(stores.clients);
    const { registry, idOf } = start({ clock, repositories: { ...stores, clients }, secret: [current, old] });
    const id = await idOf();
    const written = () => clients.calls.set;
    const before = written();
    await idOf();
    expect(written()).toBe(before);
    await registry.renewIfDue(id);
    await idOf();
    expect(written()).toBe(before + 2);
    await idOf();
    expect(written()).toBe(before + 2);
    const ends = (await recordsOf(stores.clients)).map(([, { expiresAt }]) => expiresAt);
    expect(ends).toEqual([clock.seconds(90 * day), clock.seconds(90 * day)]);
  });

  it("is not taken for another client whose record is where its own was", async () => {
    const { repositories, idOf } = start({ secret: [current, old] });
    const id = await idOf();
    await repositories.clients.set(id, { client_id: "another", redirect_uris: [], client_id_issued_at: 1 });
    const after = start({ repositories, secret: current });
    for (let starts = 0; starts < 3; starts += 1) expect(await after.idOf()).toBe(id);
    expect(await repositories.clients.get(id)).toMatchObject({ client_id: "another" });
  });

  it("has its old id where only the pointer is left", async () => {
    const { repositories, idOf } = start({ secret: [current, old] });
    const id = await idOf();
    await repositories.clients.delete(id);
    const after = start({ repositories, secret: current });
    expect(await after.idOf()).toBe(id);
    expect(await after.registry.find(id)).toMatchObject({ source: "registered", information: { client_id: id } });
  });
});
