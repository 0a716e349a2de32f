import { beforeEach, describe, expect, it } from "vitest";
import {
  createInMemoryRepositories,
  type PangeaOAuthProviderOptions,
  type ProviderRepositories,
  StorageUnavailableError,
} from "../../../src/index.ts";
import { recordKey } from "../../../src/records/keys.ts";
import { intercepted, recordedRepositories } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type IssuedTokens, ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();
const clientId = "https://claude.example/oauth/client.json";
const redirectUri = "https://claude.example/callback";
const day = 86_400;

let clock: ManualClock;
let repositories: ProviderRepositories;
beforeEach(() => {
  clock = new ManualClock();
  repositories = createInMemoryRepositories({ clock: clock.read });
});

type Site = () => Response;
const document = (members: object = {}) => ({
  client_id: clientId,
  client_name: "Claude",
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "refresh_token"],
  ...members,
});
const good: Site = () => Response.json(document());
const withheld: Site = () => new Response("<html>", { status: 403 });

/** An instance, to which the client's site answers so. */
function instance(site: Site, changes: Partial<PangeaOAuthProviderOptions> = {}) {
  const asked: string[] = [];
  const fetch = async ({ url }: Request): Promise<Response> => {
    asked.push(url);
    return site();
  };
  const { clientMetadataDocuments, ...others } = changes;
  const options = { ...providerOptions(emulator.issuerUrl), repositories, clock: clock.read, ...others };
  return {
    asked,
    harness: new ProviderHarness({ ...options, clientMetadataDocuments: { fetch, ...clientMetadataDocuments } }),
  };
}

async function logIn(harness: ProviderHarness): Promise<IssuedTokens> {
  const issued = await harness.codeFor(clientId, { redirect_uri: redirectUri });
  const answer = await harness.redeem(issued, { redirect_uri: redirectUri });
  expect(answer.status).toBe(200);
  return { ...issued, ...(await jsonOf(answer)) };
}

/** The status of the page that somebody comes to from the client. */
async function visit(harness: ProviderHarness, changes: Record<string, string> = {}): Promise<number> {
  const parameters = { client_id: clientId, redirect_uri: redirectUri, code_challenge: pkce().challenge, ...changes };
  return (await harness.get(harness.authorizePath(parameters))).status;
}

describe("a document that somebody has logged in with", () => {
  it.each<[string, Site, number]>([
    ["takes it for a robot", withheld, 403],
    ["is out", () => new Response(null, { status: 503 }), 503],
  ])("is there for an instance that was started since and whose site %s", async (_, site) => {
    const tokens = await logIn(instance(good).harness);
    const { harness, asked } = instance(site);
    expect((await harness.refresh(tokens)).status).toBe(200);
    await logIn(harness);
    expect(asked, "and the site is left alone").toHaveLength(1);
    const page = await harness.openConsentPage({
      client_id: clientId,
      redirect_uri: redirectUri,
      code_challenge: pkce().challenge,
    });
    expect(page.html).toContain("claude.example");
    expect(await visit(harness, { redirect_uri: "https://evil.example/callback" })).toBe(400);
  });

  it("is there for as long as configured, counted from when the site last gave it", async () => {
    await logIn(instance(good).harness);
    clock.advanceSeconds(7 * day - 1);
    expect(await visit(instance(withheld).harness)).toBe(200);
    clock.advanceSeconds(1);
    expect(await visit(instance(withheld).harness)).toBe(400);
    expect(await recordsOf(repositories.clients)).toEqual([]);
  });

  it("is stored once a day while it stays as it is, and at once where it changes", async () => {
    let name = "Claude";
    const recorded = recordedRepositories({ clock: clock.read });
    repositories = recorded.repositories;
    const { harness } = instance(() => Response.json(document({ client_name: name })));
    let tokens = await logIn(harness);
    const writes = () => recorded.calls.filter((call) => call === "client set").length;
    expect(writes()).toBe(1);
    const refresh = async () => {
      clock.advanceSeconds(3600);
      tokens = { ...tokens, ...(await jsonOf(await harness.refresh(tokens))) };
    };
    for (let hour = 0; hour < 23; hour += 1) await refresh();
    expect(writes()).toBe(1);
    await refresh();
    expect(writes()).toBe(2);
    name = "Claude of today";
    await refresh();
    expect(writes()).toBe(3);
  });

  it("is not there where stale documents are not wanted, or documents are not served", async () => {
    await logIn(instance(good).harness);
    for (const clientMetadataDocuments of [
      { maxStaleSeconds: 0 },
      { enabled: false },
      { allowedDomains: ["other.example"] },
    ]) {
      expect(await visit(instance(withheld, { clientMetadataDocuments }).harness)).toBe(400);
    }
  });

  it("is not there where it is gone, whatever the store has", async () => {
    await logIn(instance(good).harness);
    expect(await visit(instance(() => new Response(null, { status: 404 })).harness)).toBe(400);
    expect(await visit(instance(() => Response.json({})).harness)).toBe(400);
  });

  it("does not stand in for what the site of another instance gives", async () => {
    await logIn(instance(good).harness);
    const moved = "https://claude.example/moved";
    const { harness } = instance(() => Response.json(document({ redirect_uris: [moved] })));
    expect(await visit(harness)).toBe(400);
    expect(await visit(harness, { redirect_uri: moved })).toBe(200);
  });

  it("stops no tokens where the store does not take it", async () => {
    const refusing = intercepted(repositories.clients, async (run, { method }) => {
      if (method === "set") throw new StorageUnavailableError("The test switched the store off.");
      return run();
    });
    repositories = { ...repositories, clients: refusing };
    await logIn(instance(good).harness);
    expect(await visit(instance(withheld).harness)).toBe(400);
  });

  it("is no word on the client where the store cannot say", async () => {
    const refusing = intercepted(repositories.clients, () => {
      throw new StorageUnavailableError("The test switched the store off.");
    });
    repositories = { ...repositories, clients: refusing };
    expect(await visit(instance(() => new Response(null, { status: 503 })).harness)).toBe(503);
  });

  it("is no registration, and another's record is not it", async () => {
    await logIn(instance(good).harness);
    const key = recordKey("client", "document", clientId);
    const copy = await repositories.clients.get(key);
    expect(copy).toMatchObject({ client_id: clientId, expiresAt: clock.seconds(7 * day) });
    expect(await visit(instance(good).harness, { client_id: key })).toBe(400);
    if (copy !== undefined) await repositories.clients.set(key, { ...copy, client_id: "https://evil.example/client" });
    expect(await visit(instance(withheld).harness)).toBe(400);
  });
});

it("strangers store no documents by looking", async () => {
  const { harness } = instance(good);
  expect(await visit(harness)).toBe(200);
  await harness.codeFor(clientId, { redirect_uri: redirectUri });
  expect(await recordsOf(repositories.clients)).toEqual([]);
});
