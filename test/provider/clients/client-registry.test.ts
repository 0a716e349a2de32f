import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { createInMemoryRepositories, InMemoryRepository, StorageUnavailableError } from "../../../src/index.ts";
import { ClientRegistry, portableAuthenticationOf } from "../../../src/provider/clients/client-registry.ts";
import type { OAuthClientInformation } from "../../../src/records/oauth-client-information.ts";
import { tokenKey } from "../../../src/secrets/storage-key.ts";
import { configured } from "../../support/configured.ts";
import { gated } from "../../support/gated-repository.ts";
import { failingOnce } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const redirect_uris = ["https://app.example/callback"];
const day = 86_400;
const documentUrl = "https://client.example/client.json";

function start(clients: Parameters<typeof configured>[0] = {}) {
  const clock = new ManualClock();
  const stored = gated(new InMemoryRepository<string, OAuthClientInformation>({ clock: clock.read }));
  const flaky = failingOnce(stored);
  const repositories = { ...createInMemoryRepositories({ clock: clock.read }), clients: flaky.repository };
  const options = { repositories, clientRegistration: { clientSecretLifetimeSeconds: 60 }, ...clients };
  const configuration = configured(options, clock);
  const documents = {
    find: async (id: string) =>
      id === documentUrl
        ? { information: { client_id: id, redirect_uris }, domain: "client.example", fetchedAt: 0 }
        : undefined,
  };
  return { clock, stored, flaky, configuration, registry: new ClientRegistry(configuration, documents) };
}

describe("a client that is found", () => {
  it("is known from the options, from a document of its own, or from the repository", async () => {
    const { stored, registry } = start({ clients: [{ client_id: "own", redirect_uris }] });
    const unlessSaid = { verifiedDomain: undefined, normalisedRedirectUris: false };
    expect(await registry.find("own")).toEqual({
      ...unlessSaid,
      source: "configured",
      information: expect.objectContaining({ client_id: "own", grant_types: ["authorization_code", "refresh_token"] }),
    });
    expect(await registry.find(documentUrl)).toEqual({
      ...unlessSaid,
      source: "document",
      verifiedDomain: "client.example",
      information: { client_id: documentUrl, redirect_uris },
    });
    expect([registry.isConfigured("own"), registry.isConfigured(documentUrl)]).toEqual([true, false]);
    expect(stored.calls.get).toBe(0);
    const { client_id } = await registry.register({ redirect_uris });
    expect(await registry.find(client_id)).toMatchObject({ ...unlessSaid, source: "registered" });
    expect(await registry.find("nobody")).toBeUndefined();
  });

  it("has redirect URIs that went through a URL parser where the Python package stored it", async () => {
    const { stored, registry } = start();
    await stored.set("legacy", { client_id: "legacy", redirect_uris });
    expect(await registry.find("legacy")).toMatchObject({ normalisedRedirectUris: true });
    await stored.set("another", { client_id: "legacy", redirect_uris });
    expect(await registry.find("another"), "a record under the key of another client").toBeUndefined();
  });
});

describe("a client that registers", () => {
  it("is stored with a hash of its secret, until it has to be used, and is shown the secret", async () => {
    const { clock, stored, registry } = start();
    const { client_secret = "", ...shown } = await registry.register({ redirect_uris });
    const [issuedAt, { client_id }] = [clock.seconds(), shown];
    expect(shown).toEqual({
      client_id,
      redirect_uris,
      client_id_issued_at: issuedAt,
      client_secret_expires_at: issuedAt + 60,
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["authorization_code"],
      response_types: ["code"],
      scope: "user admin",
    });
    expect(client_secret).toMatch(/^pmcp_cs_/);
    const hash = tokenKey(client_secret);
    expect(await stored.get(client_id)).toEqual({ ...shown, client_secret_hash: hash, expiresAt: issuedAt + 90 * day });
  });

  it("has no secret where it is public", async () => {
    const { clock, stored, registry } = start();
    const shown = await registry.register({ redirect_uris, token_endpoint_auth_method: "none" });
    for (const member of ["client_secret", "client_secret_expires_at"]) expect(shown).not.toHaveProperty(member);
    expect(await stored.get(shown.client_id)).toEqual({ ...shown, expiresAt: clock.seconds(90 * day) });
  });
});

describe("the secret of a client", () => {
  it("follows from its id with every listed secret of the server", async () => {
    const { stored, registry } = start();
    const { client_id, client_secret } = await registry.register({ redirect_uris });
    const information = await stored.get(client_id);
    if (information === undefined) throw new Error("It is registered.");
    const old = "a secret of this test, which is long enough";
    const rotated = start({ secret: ["another secret, which is long enough too", old] }).registry;
    const stranger = start({ secret: "another secret, which is long enough too" }).registry;
    for (const one of [registry, rotated]) {
      expect(one.withSecret(information)).toMatchObject({ client_id, client_secret });
      expect(one.forSecretComparison(information)).toEqual(one.withSecret(information));
    }
    expect(stranger.withSecret(information)).toEqual({ ...registry.withSecret(information), client_secret: undefined });
    expect(stranger.withSecret(information)).not.toHaveProperty("client_secret");
    const { client_secret: invented = "" } = stranger.forSecretComparison(information);
    expect(invented).toMatch(/^[\w-]{43}$/);
    expect(stranger.forSecretComparison(information).client_secret).not.toBe(invented);
  });

  it("is one that nobody has where the client must not be taken for a public one", () => {
    const { registry } = start();
    const client = { client_id: "app", redirect_uris };
    expect(registry.forSecretComparison(client)).toEqual(client);
    expect(registry.forSecretComparison({ ...client, client_secret: "python's" }).client_secret).toBe("python's");
    const byKey = { ...client, token_endpoint_auth_method: "private_key_jwt" };
    expect(registry.forSecretComparison(byKey).client_secret).toMatch(/^[\w-]{43}$/);
    expect(registry.forSecretComparison({ ...byKey, client_secret: "x" }).client_secret).toMatch(/^[\w-]{43}$/);
  });
});

describe("what is carried along of how a client authenticates", () => {
  it("has the hash of a registered client's secret, and nothing of one in the options", () => {
    const information = { client_id: "app", redirect_uris, client_secret_hash: tokenKey("x") };
    const client = { information, verifiedDomain: undefined, normalisedRedirectUris: false };
    const method = { tokenEndpointAuthMethod: "client_secret_post", grantTypes: ["authorization_code"] };
    const secretHash = tokenKey("x");
    expect(portableAuthenticationOf({ ...client, source: "registered" })).toEqual({ ...method, secretHash });
    expect(portableAuthenticationOf({ ...client, source: "configured" })).toEqual(method);
    const secretless = { ...client, information: { client_id: "app", redirect_uris } };
    const none = { tokenEndpointAuthMethod: "none", grantTypes: ["authorization_code"] };
    expect(portableAuthenticationOf({ ...secretless, source: "registered" })).toEqual(none);
  });
});

describe("a registration", () => {
  async function registered() {
    const all = start({ clients: [{ client_id: "own", redirect_uris }] });
    const { client_id } = await all.registry.register({ redirect_uris });
    const until = async () => (await all.stored.get(client_id))?.expiresAt;
    return { ...all, client_id, until };
  }

  it("is renewed in the second half of its life, and not before", async () => {
    const { clock, registry, client_id, until } = await registered();
    const first = await until();
    clock.advanceSeconds(45 * day - 1);
    await registry.renewIfDue(client_id);
    expect(await until()).toBe(first);
    clock.advanceSeconds(1.5);
    await registry.renewIfDue(client_id);
    expect(await until()).toBe(Math.floor(clock.seconds()) + 90 * day);
  });

  it("is not read where a record at hand says that nothing is due, or where there can be none", async () => {
    const { clock, stored, registry, client_id, until } = await registered();
    const known = { tokenEndpointAuthMethod: "none", grantTypes: [] } as const;
    clock.advanceSeconds(45 * day);
    const reads = stored.calls.get;
    await registry.renewIfDue(client_id, { ...known, grantTypes: [] });
    await registry.renewIfDue(client_id, { ...known, grantTypes: [], registeredUntil: clock.seconds(45 * day + 1) });
    await registry.renewIfDue("own");
    await registry.renewIfDue(documentUrl);
    expect(stored.calls.get).toBe(reads);
    await registry.renewIfDue(client_id, { ...known, grantTypes: [], registeredUntil: clock.seconds(45 * day) });
    expect(await until()).toBe(clock.seconds(90 * day));
  });

  it("is not made of what is none: a client of the Python package, another's record, nobody", async () => {
    const { clock, stored, registry } = await registered();
    await stored.set("legacy", { client_id: "legacy", redirect_uris });
    await stored.set("another", { client_id: "somebody", redirect_uris, expiresAt: clock.seconds(1) });
    const writes = stored.calls.set;
    for (const id of ["legacy", "another", "nobody"]) await registry.renewIfDue(id);
    expect(stored.calls.set).toBe(writes);
  });

  it("is left for the next time where the store fails, which is told of", async () => {
    const told: unknown[] = [];
    const listen = (event: unknown) => void told.push(event);
    subscribe("pangea-authn-fastmcp:outage", listen);
    const { clock, flaky, registry, client_id, until } = await registered();
    clock.advanceSeconds(45 * day);
    for (const method of ["get", "set"] as const) {
      flaky.failNext(method, "before");
      await expect(registry.renewIfDue(client_id)).resolves.toBeUndefined();
      expect(flaky.isPending()).toBe(false);
    }
    unsubscribe("pangea-authn-fastmcp:outage", listen);
    expect(told).toEqual(Array(2).fill(expect.objectContaining({ code: "ERR_STORAGE_TIMEOUT" })));
    expect(await until()).toBe(clock.seconds(45 * day));
    await registry.renewIfDue(client_id);
    expect(await until()).toBe(clock.seconds(90 * day));
  });
});

it("a client that is looked for during an outage is not called unknown", async () => {
  const { stored, configuration } = start();
  const refusing = { ...stored, get: () => Promise.reject(new StorageUnavailableError("The test refuses.")) };
  const repositories = { ...configuration.repositories, clients: refusing };
  const registry = new ClientRegistry({ ...configuration, repositories }, undefined);
  await expect(registry.find("app")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
});
