import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, McpOAuthProvider, StorageUnavailableError } from "../../../src/index.ts";
import type { ProviderRepositories } from "../../../src/records/repositories.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { ClientHarness, joinCookies, pkce } from "../../support/provider-harness.ts";

const clientId = "https://app.example/client.json";
const redirectUri = "https://app.example/callback";
const other = "https://app.example/other";
const [minute, day] = [60, 24 * 60 * 60];

let clock: ManualClock;
let repositories: ProviderRepositories;
let refuses: boolean;
let site: () => Response;
beforeEach(() => {
  clock = new ManualClock();
  refuses = false;
  site = document();
  const inMemory = createInMemoryRepositories({ clock: clock.read });
  const clients = intercepted(inMemory.clients, async (run, { method }) => {
    if (refuses && method === "delete") throw new StorageUnavailableError("The test refuses.");
    return run();
  });
  repositories = { ...inMemory, clients };
});

const status = (code: number) => () => new Response(null, { status: code });
function document(members: object = {}): () => Response {
  const content = {
    client_id: clientId,
    client_name: "App",
    redirect_uris: [redirectUri, other],
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    ...members,
  };
  return () => Response.json(content, { headers: { "cache-control": "no-store" } });
}

function instance(): ClientHarness<McpOAuthProvider> {
  const provider = new McpOAuthProvider({
    baseUrl: "https://mcp.example",
    scopes: ["user"],
    secret: "a secret of this test, which is long enough",
    logger: false,
    upstream: new FakeUpstream(clock.read),
    clock: clock.read,
    repositories,
    clientMetadataDocuments: { fetch: async () => site() },
  });
  return new ClientHarness(provider, "https://mcp.example");
}

/** Somebody who is asked about the client. */
async function asked(harness: ClientHarness<McpOAuthProvider>) {
  const { verifier, challenge } = pkce();
  const parameters = { client_id: clientId, redirect_uri: redirectUri, code_challenge: challenge };
  return { verifier, page: await harness.openConsentPage(parameters) };
}

/** A login of the client, up to its tokens. */
async function logIn(harness: ClientHarness<McpOAuthProvider>) {
  const { page, verifier } = await asked(harness);
  const decided = await harness.decide(page, "allow");
  const begun = new URL(decided.headers.get("location") ?? "");
  const callback = logInAtFakeUpstream(begun, "ada");
  const { location } = await harness.followCallback(callback, joinCookies(page.cookie, decided));
  const issued = { clientId, verifier, code: location.searchParams.get("code") ?? "" };
  const tokens = await jsonOf(await harness.redeem(issued, { redirect_uri: redirectUri }));
  return { clientId, refresh_token: String(tokens.refresh_token) };
}

const gone: [string, () => Response][] = [
  ["gone (404)", status(404)],
  ["gone (410)", status(410)],
  ["of another client", document({ client_id: "https://app.example/another.json" })],
  ["without a redirect URI", document({ redirect_uris: [] })],
];

describe.each(gone)("a document that is %s", (_, withdrawn) => {
  it.each([
    ["the same instance", false],
    ["an instance that was started since", true],
  ])("does not come back when its site fails, at %s", async (_, isAnother) => {
    const first = instance();
    const tokens = await logIn(first);
    clock.advanceSeconds(5 * minute);
    site = withdrawn;
    expect((await first.refresh(tokens)).status).toBe(401);
    const harness = isAnother ? instance() : first;
    for (const seconds of [1, 6 * day]) {
      clock.advanceSeconds(seconds);
      site = status(503);
      expect((await harness.refresh(tokens)).status).not.toBe(200);
      const path = harness.authorizePath({
        client_id: clientId,
        redirect_uri: redirectUri,
        code_challenge: pkce().challenge,
      });
      expect((await harness.get(path)).status).toBe(503);
    }
  });

  it("is removed when the store can do so again", async () => {
    const first = instance();
    const tokens = await logIn(first);
    site = withdrawn;
    refuses = true;
    clock.advanceSeconds(5 * minute);
    expect((await first.refresh(tokens)).status).toBe(401);
    site = status(503);
    expect((await first.refresh(tokens)).status, "and does not count until then").not.toBe(200);
    refuses = false;
    await first.refresh(tokens);
    expect((await instance().refresh(tokens)).status).not.toBe(200);
  });
});

it("a document that is back counts again, also where its site fails after that", async () => {
  const harness = instance();
  const tokens = await logIn(harness);
  site = status(404);
  expect((await harness.refresh(tokens)).status).toBe(401);
  site = document();
  clock.advanceSeconds(5 * minute);
  const again = await logIn(harness);
  site = status(503);
  expect((await instance().refresh(again)).status).toBe(200);
});

const changed: [string, () => Response][] = [
  ...gone,
  ["without this redirect URI", document({ redirect_uris: [other] })],
];

describe.each(changed)("a login of a client whose document is by now %s", (_, withdrawn) => {
  it.each(["allow", "deny"])("ends where the person decides to %s, on a page of this server", async (decision) => {
    const harness = instance();
    const { page } = await asked(harness);
    clock.advanceSeconds(25 * minute);
    site = withdrawn;
    const consent = heard("consent");
    const decided = await harness.decide(page, decision);
    expect(decided.status).toBeGreaterThanOrEqual(400);
    expect(decided.headers.get("location")).toBeNull();
    expect(consent.stop(), "nothing was decided").toEqual([]);
  });

  it("ends where it comes back, and issues no code", async () => {
    const harness = instance();
    const { page } = await asked(harness);
    const decided = await harness.decide(page, "allow");
    clock.advanceSeconds(minute);
    site = withdrawn;
    const callback = logInAtFakeUpstream(new URL(decided.headers.get("location") ?? ""), "ada");
    const headers = { cookie: joinCookies(page.cookie, decided) };
    const ended = await harness.provider.fetch(new Request(callback, { headers }));
    expect(ended.status).toBeGreaterThanOrEqual(400);
    expect(ended.headers.get("location")).toBeNull();
  });
});
