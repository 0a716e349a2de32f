import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import { createInMemoryRepositories, type McpOAuthProviderOptions } from "../../../src/index.ts";
import { displayName, inOneLine, redirectPlace } from "../../../src/provider/clients/client-presentation.ts";
import { ClientRegistry } from "../../../src/provider/clients/client-registry.ts";
import { clientKey } from "../../../src/records/keys.ts";
import { configured } from "../../support/configured.ts";
import { refusing } from "../../support/intercepted-repository.ts";
import { heard } from "../../support/provider-events.ts";

describe("the name of a client", () => {
  it.each<[string | undefined, string | undefined]>([
    [undefined, undefined],
    ["", undefined],
    [" \t\n", undefined],
    ["\u200b\u2800", undefined],
    ["Scribe", "Scribe"],
    ["  Scribe   of\nNotes ", "Scribe of Notes"],
    ["Scribe\u202eevil", "Scribe evil"],
    ["Scribe\u2028\u2029\u0000\u200bX", "Scribe X"],
    ["Ünïcödé 名前 🙂", "Ünïcödé 名前 🙂"],
    ["x".repeat(80), "x".repeat(80)],
    ["x".repeat(81), "x".repeat(80)],
    ["🙂".repeat(81), "🙂".repeat(80)],
  ])("%j is shown as %j", (given, shown) => {
    expect(displayName(given === undefined ? {} : { client_name: given })).toBe(shown);
  });

  it("is in one line however long it is", () => {
    expect(inOneLine(` a\u00a0\r\n${"b".repeat(100)}\u00ad\u061c c `)).toBe(`a ${"b".repeat(100)} c`);
  });
});

it.each([
  ["https://app.example/callback", "app.example"],
  ["https://app.example:8443/callback", "app.example"],
  ["http://127.0.0.1:4999/callback", "127.0.0.1"],
  ["cursor://anysphere.cursor/callback", "cursor"],
  ["com.example.app:/callback", "com.example.app"],
])("a client without a name that answers at %s is from %s", (uri, place) => {
  expect(redirectPlace(uri)).toBe(place);
});

describe("what people are told of a client", () => {
  const site = "https://scribe.example/client.json";
  const information = { client_id: site, client_name: "Scribe", redirect_uris: ["https://scribe.example/cb"] };

  function registry(options: Partial<McpOAuthProviderOptions> = {}, kept?: (clientId: string) => Promise<undefined>) {
    const asked: string[] = [];
    const documents = {
      find: async () => undefined,
      kept: async (clientId: string) => {
        asked.push(clientId);
        return kept === undefined ? information : kept(clientId);
      },
    };
    return { asked, known: new ClientRegistry(configured(options), documents) };
  }

  it("is the operator's word for one that the options name", async () => {
    const named = { client_id: "cli", client_name: "Acme CLI", redirect_uris: ["http://127.0.0.1/cb"] };
    const repositories = createInMemoryRepositories();
    const { known, asked } = registry({
      clients: [named, { ...named, client_id: site }],
      repositories: { ...repositories, clients: refusing(repositories.clients, () => true) },
    });
    expect(await known.presented("cli")).toStrictEqual({ clientName: "Acme CLI", clientVerified: true });
    expect(await known.presented(site)).toStrictEqual({ clientName: "Acme CLI", clientVerified: true });
    expect(asked).toEqual([]);
  });

  it("is its document's word, and where that is from, for one that is a document", async () => {
    const { known, asked } = registry();
    const clientHost = "scribe.example";
    expect(await known.presented(site)).toStrictEqual({ clientName: "Scribe", clientHost, clientVerified: true });
    expect(asked).toEqual([site]);
    const unknown = registry({}, async () => undefined);
    expect(await unknown.known.presented(site)).toStrictEqual({ clientHost, clientVerified: true });
  });

  it.each(["https://", "https://a b/", "nobody"])("is nothing for what is no document: %s", async (clientId) => {
    const { known, asked } = registry();
    expect(await known.presented(clientId)).toStrictEqual({});
    expect(asked).toEqual([]);
  });

  it("is its own word for one that has registered, which is all that is known of it", async () => {
    const repositories = createInMemoryRepositories();
    const client = { client_id: "app", client_name: " Scribe\n", redirect_uris: [], expiresAt: 4e9 };
    await repositories.clients.set(clientKey("app"), client);
    const { known } = registry({ repositories });
    expect(await known.presented("app")).toStrictEqual({ clientName: "Scribe" });
  });

  it("is left out where it cannot be read, which the operator is told", async () => {
    const repositories = createInMemoryRepositories();
    const clients = refusing(repositories.clients, () => true);
    const failing = registry({ repositories: { ...repositories, clients } }, () =>
      Promise.reject(new StorageUnavailableError("The test refuses.")),
    );
    const told = heard("outage");
    expect(await failing.known.presented("app")).toStrictEqual({});
    const clientHost = "scribe.example";
    expect(await failing.known.presented(site)).toStrictEqual({ clientHost, clientVerified: true });
    expect(told.stop()).toMatchObject([{ code: "ERR_STORAGE_UNAVAILABLE" }, { code: "ERR_STORAGE_UNAVAILABLE" }]);
  });
});
