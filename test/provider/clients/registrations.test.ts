import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, type ProviderRepositories } from "../../../src/index.ts";
import { ClientRegistry } from "../../../src/provider/clients/client-registry.ts";
import type { ProviderConfiguration } from "../../../src/provider/configuration/configuration.ts";
import { longestRequestSeconds } from "../../../src/provider/oauth/request-time.ts";
import type { ClientAuthentication } from "../../../src/records/authorization-code.ts";
import type { OAuthClientInformation } from "../../../src/records/oauth-client-information.ts";
import { configured } from "../../support/configured.ts";
import { failingOnce, intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";

const redirect_uris = ["https://app.example/callback"];
const documentUrl = "https://client.example/client.json";
const known: ClientAuthentication = { tokenEndpointAuthMethod: "none", grantTypes: ["authorization_code"] };

let clock: ManualClock;
let calls: string[];
let repositories: ProviderRepositories;
let flaky: ReturnType<typeof failingOnce<OAuthClientInformation>>;
let configuration: ProviderConfiguration;
let registry: ClientRegistry;
/** When a login of now has its tokens at the latest. */
let endOfLogin: number;
beforeEach(() => {
  clock = new ManualClock();
  clock.advance(500);
  calls = [];
  const inner = createInMemoryRepositories({ clock: clock.read });
  flaky = failingOnce(inner.clients);
  const clients = intercepted(flaky.repository, (run, { method, key }) => {
    calls.push(`${method} ${key}`);
    return run();
  });
  repositories = { ...inner, clients };
  configuration = configured({ repositories, clients: [{ client_id: "own", redirect_uris }] }, clock);
  registry = new ClientRegistry(configuration, { find: async () => undefined });
  const { instanceClockTolerance, lifetimes } = configuration;
  endOfLogin = Math.ceil(
    clock.seconds() + lifetimes.login + lifetimes.authorizationCode + longestRequestSeconds + instanceClockTolerance,
  );
});

const store = async (changes: Partial<OAuthClientInformation> = {}, key = "app"): Promise<void> => {
  await repositories.clients.set(key, { client_id: "app", redirect_uris, ...changes });
  calls.length = 0;
};
const stored = (key = "app") => repositories.clients.get(key);

describe("a registration that a page has to remember", () => {
  it.each<[string, "registered" | "configured" | "document", number | undefined, number, boolean]>([
    ["that ends a second before", "registered", -1, 0, true],
    ["that ends with it", "registered", 0, 0, false],
    ["that ends with it, of a page that waits", "registered", 0, 60, true],
    ["that ends once the page has waited", "registered", 60, 60, false],
    ["that has no end", "registered", undefined, 60, false],
    ["of a client in the options", "configured", -1, 0, false],
    ["of a document", "document", -1, 0, false],
  ])("is one that ends before a login of now has its tokens: one %s", (_, source, end, waits, isEnding) => {
    const expiresAt = end === undefined ? {} : { expiresAt: endOfLogin + end };
    const information = { client_id: "app", redirect_uris, ...expiresAt };
    const client = { information, source, verifiedDomain: undefined, normalisedRedirectUris: false };
    expect(registry.endingSoon(client, waits)).toBe(isEnding ? information : undefined);
  });
});

describe("a registration that a login needs", () => {
  it.each<[string, number, number]>([
    ["is kept until the login has its tokens", -1, 0],
    ["is left as it is where it lasts as long", 0, 0],
    ["is left as it is where it lasts longer", 1, 1],
  ])("%s", async (_, end, kept) => {
    await store({ expiresAt: endOfLogin + end, client_name: "App" });
    const remembered = { client_id: "app", redirect_uris, expiresAt: clock.seconds(1) };
    await registry.keepForLogin("app", { ...known, registeredUntil: clock.seconds(1) }, remembered);
    expect(calls.filter((call) => !call.startsWith("get"))).toEqual(end < 0 ? ["set app"] : []);
    expect(await stored()).toStrictEqual({
      client_id: "app",
      redirect_uris,
      client_name: "App",
      expiresAt: endOfLogin + kept,
    });
  });

  it.each<[string, string, number | undefined]>([
    ["is known to last as long", "app", 0],
    ["is known to have no end", "app", undefined],
    ["is that of a client in the options", "own", -1],
    ["is the document of a client", documentUrl, -1],
  ])("is not looked at where it %s", async (_, clientId, end) => {
    await store({ expiresAt: clock.seconds(1) });
    const registeredUntil = end === undefined ? {} : { registeredUntil: endOfLogin + end };
    await registry.keepForLogin(clientId, { ...known, ...registeredUntil });
    expect(calls).toEqual([]);
  });

  it("comes back where it has ended meanwhile, and where nobody else has its place", async () => {
    const soon = { ...known, registeredUntil: clock.seconds(1) };
    const ended = { client_id: "app", redirect_uris, client_name: "App", expiresAt: clock.seconds(1) };
    const outages = heard("outage");
    await registry.keepForLogin("app", soon);
    await registry.renewIfDue("app");
    expect(outages.stop()).toEqual([]);
    expect(await stored()).toBeUndefined();
    await registry.keepForLogin("other", soon, ended);
    expect(await stored("other")).toBeUndefined();
    await registry.keepForLogin("app", soon, ended);
    expect(await stored()).toStrictEqual({ ...ended, expiresAt: endOfLogin });
    await store({ client_id: "another", expiresAt: clock.seconds(1) });
    await registry.keepForLogin("app", soon, ended);
    expect(await stored()).toMatchObject({ client_id: "another", expiresAt: clock.seconds(1) });
  });

  it("is no matter for a login where the store fails, which is told of", async () => {
    await store({ expiresAt: clock.seconds(1) });
    const outages = heard("outage");
    for (const method of ["get", "set"] as const) {
      flaky.failNext(method, "before");
      await registry.keepForLogin("app", { ...known, registeredUntil: clock.seconds(1) });
      expect(flaky.isPending()).toBe(false);
    }
    expect(outages.stop()).toMatchObject(Array(2).fill({ code: "ERR_STORAGE_TIMEOUT" }));
  });
});

describe("a login", () => {
  it.each([undefined, 1])("renews what is registered, and knows of no end of what is not: %j", async (seconds) => {
    await store({ expiresAt: clock.seconds(1) });
    const registeredUntil = seconds === undefined ? {} : { registeredUntil: clock.seconds(seconds) };
    await registry.renewAtLogin("app", { ...known, ...registeredUntil });
    const { unusedLifetime } = configuration.registration;
    const until = seconds === undefined ? clock.seconds(1) : Math.floor(clock.seconds()) + unusedLifetime;
    expect((await stored())?.expiresAt).toBe(until);
  });

  it("keeps the document of a client, where documents are kept", async () => {
    const kept: string[] = [];
    const keep = async (clientId: string) => void kept.push(clientId);
    const documents = new ClientRegistry(configuration, { find: async () => undefined, keep });
    for (const clientId of [documentUrl, "own", "nobody"]) await documents.renewIfDue(clientId);
    expect(kept).toEqual([documentUrl]);
    calls.length = 0;
    await registry.renewIfDue(documentUrl);
    await new ClientRegistry(configuration, undefined).renewIfDue(documentUrl);
    expect(calls).toEqual([]);
  });
});

describe("whoever has to be asked before a record is added", () => {
  const methods = ["none", "client_secret_basic", "client_secret_post"];

  it.each(methods)("is asked for a client with %s, and keeps it from being added", async (method) => {
    const refusal = new Error("The test lets nobody register.");
    const registering = registry.register({ redirect_uris, token_endpoint_auth_method: method }, async () => {
      throw refusal;
    });
    await expect(registering).rejects.toBe(refusal);
    expect(calls.filter((call) => !call.startsWith("get"))).toEqual([]);
  });

  it.each([
    ["none", 1],
    ["client_secret_post", 2],
  ])("is asked for a client with %s that registers twice %i times", async (method, times) => {
    let asked = 0;
    const ask = async () => {
      asked += 1;
    };
    const metadata = { redirect_uris, token_endpoint_auth_method: method };
    const { client_id, client_secret } = await registry.register(metadata, ask);
    expect(client_secret !== undefined).toBe(method !== "none");
    await registry.register(metadata, ask);
    expect(asked).toBe(times);
    expect(calls).toContain(`${method === "none" ? "add" : "set"} ${client_id}`);
  });
});

it("keys at a site are taken where this server asks sites only, and others anyhow", async () => {
  const metadata = { redirect_uris, token_endpoint_auth_method: "private_key_jwt" };
  const atSite = { ...metadata, jwks_uri: "https://client.example/keys" };
  const alone = new ClientRegistry(configuration, undefined);
  await expect(alone.register(atSite)).rejects.toMatchObject({ error: "invalid_client_metadata" });
  expect(await registry.register(atSite)).toMatchObject({ jwks_uri: atSite.jwks_uri });
  expect(await alone.register({ redirect_uris })).toMatchObject({ redirect_uris });
});

it("what people are told of a document is what its address says where no documents are kept, and no outage", async () => {
  const outages = heard("outage");
  for (const documents of [undefined, { find: async () => undefined }]) {
    const told = await new ClientRegistry(configuration, documents).presented(documentUrl);
    expect(told).toStrictEqual({ clientHost: "client.example", clientVerified: true });
  }
  expect(outages.stop()).toEqual([]);
});

it("a registration is told of, with the name that the client gives itself", async () => {
  const told = heard("client-registered");
  const { client_id: clientId } = await registry.register({ redirect_uris, client_name: "App" });
  expect(told.stop()).toEqual([{ clientId, clientName: "App" }]);
});

describe("a registration that is short when the client registers again", () => {
  const metadata = { redirect_uris, token_endpoint_auth_method: "none" };
  const expiries = () => ({ first: configuration.registration.firstLoginWithin, at: Math.floor(clock.seconds()) });

  it("is kept anew from the hour on, to the second", async () => {
    const { client_id } = await registry.register(metadata);
    const { first, at } = expiries();
    clock.advance(first * 1_000 * (1 / 24) - 500 - 1);
    await registry.register(metadata);
    expect((await stored(client_id))?.expiresAt).toBe(at + first);
    clock.advance(1);
    await registry.register(metadata);
    expect((await stored(client_id))?.expiresAt).toBe(Math.floor(clock.seconds()) + first);
  });

  it.each<[string, (client: OAuthClientInformation) => OAuthClientInformation | undefined]>([
    ["is gone", () => undefined],
    ["is another client's", (client) => ({ ...client, client_id: "another" })],
    ["was renewed by a login", (client) => ({ ...client, expiresAt: clock.seconds(90 * 86_400) })],
  ])("is left as it is where the store knows better than a copy, by which it %s", async (_, better) => {
    const { client_id } = await registry.register(metadata);
    const copy = await stored(client_id);
    if (copy === undefined) expect.unreachable();
    clock.advanceSeconds(expiries().first - 1);
    const getFresh = async () => better(copy);
    const clients = Object.assign(
      intercepted<string, OAuthClientInformation>(repositories.clients, (run) => run()),
      { getFresh },
    );
    configuration = configured({ repositories: { ...repositories, clients } }, clock);
    calls.length = 0;
    await new ClientRegistry(configuration, undefined).register(metadata);
    expect(calls.filter((call) => call.startsWith("set"))).toEqual([]);
  });
});
