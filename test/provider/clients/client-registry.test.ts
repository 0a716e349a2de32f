import { createHmac } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { createInMemoryRepositories, InMemoryRepository, StorageUnavailableError } from "../../../src/index.ts";
import { ClientRegistry, portableAuthenticationOf } from "../../../src/provider/clients/client-registry.ts";
import { formatClientSecret } from "../../../src/provider/oauth/opaque-token.ts";
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
    expect(await stored.get(client_id)).toEqual({ ...shown, client_secret_hash: hash, expiresAt: issuedAt + day });
  });

  it("has a secret that never expires unless it is said to", async () => {
    const { stored, registry } = start({ clientRegistration: {} });
    const shown = await registry.register({ redirect_uris });
    expect(shown.client_secret_expires_at).toBe(0);
    expect((await stored.get(shown.client_id))?.client_secret_expires_at).toBe(0);
  });

  it("has no secret where it is public", async () => {
    const { clock, stored, registry } = start();
    const shown = await registry.register({ redirect_uris, token_endpoint_auth_method: "none" });
    for (const member of ["client_secret", "client_secret_expires_at"]) expect(shown).not.toHaveProperty(member);
    expect(await stored.get(shown.client_id)).toEqual({ ...shown, expiresAt: clock.seconds(day) });
  });
});

describe("the secret of a client", () => {
  it("is its own: it follows from nothing that the server or anybody else has", async () => {
    const { configuration, registry } = start();
    const [one, other] = [await registry.register({ redirect_uris }), await registry.register({ redirect_uris })];
    expect(one.client_secret).not.toBe(other.client_secret);
    for (const { bytes } of configuration.keys.derive("client secret").all) {
      const derived = createHmac("sha256", bytes).update(one.client_id).digest();
      expect(one.client_secret).not.toBe(formatClientSecret(derived));
    }
  });
});

describe("what is carried along of how a client authenticates", () => {
  it("has the hash of a registered client's secret, and nothing of one in the options", () => {
    const information = { client_id: "app", redirect_uris, client_secret_hash: tokenKey("x") };
    const client = { information, verifiedDomain: undefined, normalisedRedirectUris: false };
    const method = { tokenEndpointAuthMethod: "client_secret_post", grantTypes: ["authorization_code"] };
    const secretHash = tokenKey("x");
    expect(portableAuthenticationOf({ ...client, source: "registered" })).toStrictEqual({ ...method, secretHash });
    expect(portableAuthenticationOf({ ...client, source: "configured" })).toStrictEqual(method);
    const secretless = { ...client, information: { client_id: "app", redirect_uris } };
    const none = { tokenEndpointAuthMethod: "none", grantTypes: ["authorization_code"] };
    expect(portableAuthenticationOf({ ...secretless, source: "registered" })).toStrictEqual(none);
  });
});

describe("a registration", () => {
  async function registered(options: Parameters<typeof start>[0] = {}) {
    const clientRegistration = { firstLoginWithinSeconds: day };
    const all = start({ clients: [{ client_id: "own", redirect_uris }], clientRegistration, ...options });
    const { client_id } = await all.registry.register({ redirect_uris });
    const until = async () => (await all.stored.get(client_id))?.expiresAt;
    return { ...all, client_id, until };
  }

  it("waits a day for its first login, which keeps it for 90", async () => {
    const { clock, registry, client_id, until } = await registered();
    expect(await until()).toBe(clock.seconds(day));
    clock.advanceSeconds(day - 1);
    await registry.renewIfDue(client_id);
    expect(await until()).toBe(clock.seconds(90 * day));
  });

  it("is renewed once a day, so that it is there for 90 days after its last use, to a day", async () => {
    const { clock, registry, client_id, until } = await registered();
    await registry.renewIfDue(client_id);
    const first = await until();
    clock.advanceSeconds(day - 1);
    await registry.renewIfDue(client_id);
    expect(await until()).toBe(first);
    clock.advanceSeconds(1.5);
    await registry.renewIfDue(client_id);
    expect(await until()).toBe(Math.floor(clock.seconds()) + 90 * day);
  });

  it.each([
    [{}, day, 90 * day],
    [{ firstLoginWithinSeconds: 600 }, 600, 90 * day],
    [{ unusedLifetimeSeconds: 600 }, 600, 600],
    [{ unusedLifetimeSeconds: 1.5 * day, firstLoginWithinSeconds: day }, day, 1.5 * day],
    [{ unusedLifetimeSeconds: 600, firstLoginWithinSeconds: 6000 }, 600, 600],
  ])("with %j waits %i seconds, and is then kept for %i", async (clientRegistration, first, then) => {
    const { clock, registry, client_id, until } = await registered({ clientRegistration });
    expect(await until()).toBe(clock.seconds(first));
    clock.advanceSeconds(10);
    await registry.renewIfDue(client_id);
    expect(await until()).toBe(clock.seconds(then));
  });

  it("loses the end of its secret when it is renewed, where secrets have none any more", async () => {
    const { clock, stored, registry } = start({ clientRegistration: {} });
    const old = { client_id: "old", redirect_uris, client_secret_hash: tokenKey("x") };
    const ends = { client_secret_expires_at: clock.seconds(day), expiresAt: clock.seconds(day) };
    await stored.set("old", { ...old, ...ends });
    await registry.renewIfDue("old");
    expect(await stored.get("old")).toEqual({
      ...old,
      client_secret_expires_at: 0,
      expiresAt: clock.seconds(90 * day),
    });
    await stored.set("public", { client_id: "public", redirect_uris, expiresAt: clock.seconds(day) });
    await registry.renewIfDue("public");
    expect(await stored.get("public")).toStrictEqual({
      client_id: "public",
      redirect_uris,
      expiresAt: clock.seconds(90 * day),
    });
    const dated = start();
    await dated.stored.set("old", { ...old, ...ends });
    await dated.registry.renewIfDue("old");
    expect(await dated.stored.get("old")).toMatchObject({ client_secret_expires_at: ends.client_secret_expires_at });
  });

  it("is not read where a record at hand says that nothing is due, or where there can be none", async () => {
    const { clock, stored, registry, client_id, until } = await registered();
    const known = { tokenEndpointAuthMethod: "none", grantTypes: [] } as const;
    const reads = stored.calls.get;
    await registry.renewIfDue(client_id, { ...known, grantTypes: [] });
    await registry.renewIfDue(client_id, { ...known, grantTypes: [], registeredUntil: clock.seconds(89 * day + 1) });
    await registry.renewIfDue("own");
    await registry.renewIfDue(documentUrl);
    expect(stored.calls.get).toBe(reads);
    await registry.renewIfDue(client_id, { ...known, grantTypes: [], registeredUntil: clock.seconds(89 * day) });
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
    for (const method of ["get", "set"] as const) {
      flaky.failNext(method, "before");
      await expect(registry.renewIfDue(client_id)).resolves.toBeUndefined();
      expect(flaky.isPending()).toBe(false);
    }
    unsubscribe("pangea-authn-fastmcp:outage", listen);
    expect(told).toEqual(Array(2).fill(expect.objectContaining({ code: "ERR_STORAGE_TIMEOUT" })));
    expect(await until()).toBe(clock.seconds(day));
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
