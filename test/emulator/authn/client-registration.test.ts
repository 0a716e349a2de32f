import * as oauth from "oauth4webapi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { hasOpenApi, openApiProblems } from "./openapi-oracle.ts";
import { introspect, logIn, redirectUri, type ServedAuthn, serveAuthn, serviceToken } from "./served-authn.ts";

let now = Date.UTC(2030, 0, 1);
let served: ServedAuthn;

beforeAll(async () => {
  served = await serveAuthn({ clock: () => now });
});

afterAll(async () => {
  await served[Symbol.asyncDispose]();
});

const metadata = { client_name: "Reports", redirect_uris: [redirectUri], scope: "user reports" };

interface Registration {
  readonly client_id: string;
  readonly client_secret: string;
  readonly client_secret_expires_at: string;
}

async function registered(body: unknown): Promise<Registration> {
  return JSON.parse(await (await register(body)).text());
}

async function register(body: unknown, token = serviceToken): Promise<Response> {
  return await fetch(`${served.issuer}/v2/oauth/clients/register`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

test("a registration gives Pangea's ids and an ISO date for the secret", async () => {
  const response = await register(metadata);

  expect(response.status).toBe(201);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(await response.json()).toStrictEqual({
    client_id: expect.stringMatching(/^psa_[a-z2-7]{32}$/),
    client_secret: expect.stringMatching(/^pck_[a-z2-7]{32}$/),
    client_secret_expires_at: "2031-01-01T00:00:00.000Z",
    created_at: "2030-01-01T00:00:00.000Z",
    updated_at: "2030-01-01T00:00:00.000Z",
    client_name: "Reports",
    client_type: "service account",
    scope: "user reports",
    token_endpoint_auth_method: "client_secret_basic",
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code"],
    response_types: ["code"],
  });
});

test("a registered client logs a user in", async () => {
  const client = await registered(metadata);

  const tokens = await logIn(
    {
      ...served,
      client: { client_id: client.client_id },
      clientAuthentication: oauth.ClientSecretBasic(client.client_secret),
    },
    { parameters: { scope: "reports" } },
  );

  expect(await introspect(served, tokens.access_token)).toMatchObject({
    active: true,
    client_id: client.client_id,
    scope: "reports",
  });
});

test("a registered client's secret ends when it said", async () => {
  const client = await registered(metadata);
  now = Date.parse(client.client_secret_expires_at);

  const login = logIn({
    ...served,
    client: { client_id: client.client_id },
    clientAuthentication: oauth.ClientSecretBasic(client.client_secret),
  });

  await expect(login).rejects.toMatchObject({ error: "invalid_client" });
});

const lookedUp = z.object({
  clients: z.array(z.looseObject({ client_id: z.string() })),
  last: z.string(),
  count: z.number(),
});

async function lookUp(query: string) {
  const response = await fetch(`${served.issuer}/v2/oauth/clients${query}`, {
    headers: { authorization: `Bearer ${serviceToken}` },
  });
  return { status: response.status, body: lookedUp.parse(await response.json()) };
}

test("a client can be looked up, without its secret", async () => {
  const client = await registered(metadata);

  const { body } = await lookUp(`?client_id=${client.client_id}`);

  const { client_secret: _secret, client_secret_expires_at: _expiry, ...described } = client;
  expect(body).toStrictEqual({ clients: [described], last: expect.any(String), count: 1 });
});

test.each(["?client_id=psa_unknown", "?client_id="])(
  "of a client that is not there nothing is listed: %s",
  async (query) => {
    expect(await lookUp(query)).toStrictEqual({ status: 200, body: { clients: [], last: "", count: 0 } });
  },
);

test("clients are listed by pages, of which each leads to the next", async () => {
  await registered(metadata);
  await registered(metadata);
  const all = (await lookUp("")).body;
  const ids: string[] = [];
  for (let last = ""; ; ) {
    const { clients, last: next, count } = (await lookUp(`?size=1&last=${last}`)).body;
    expect(count).toBe(all.count);
    if (clients[0] === undefined) break;
    ids.push(clients[0].client_id);
    last = next;
  }
  expect(ids).toStrictEqual(all.clients.map(({ client_id }) => client_id));
  expect(ids.length).toBeGreaterThan(2);
});

test.each(["/v2/oauth/clients", "/v2/oauth/clients/register"])("%s wants a service token", async (path) => {
  const method = path.endsWith("register") ? "POST" : "GET";

  const response = await fetch(served.issuer + path, { method, headers: { authorization: "Bearer pts_other" } });

  expect(response.status).toBe(401);
  expect(response.headers.get("www-authenticate")).toContain("Bearer");
  expect(await response.json()).toMatchObject({ error: "invalid_token" });
});

test.each([
  ["no JSON", "{", "invalid_client_metadata"],
  ["no object", "[]", "invalid_client_metadata"],
  ["more than the emulator reads", " ".repeat(2 ** 21), "invalid_client_metadata"],
  ["no name", { redirect_uris: [redirectUri] }, "invalid_client_metadata"],
  ["no redirect URI", { client_name: "x" }, "invalid_client_metadata"],
  ["a public client", { ...metadata, token_endpoint_auth_method: "none" }, "invalid_client_metadata"],
  ["the implicit grant", { ...metadata, grant_types: ["implicit"] }, "invalid_client_metadata"],
  ["a script as redirect URI", { ...metadata, redirect_uris: ["javascript:alert(1)"] }, "invalid_redirect_uri"],
  ["a fragment", { ...metadata, redirect_uris: ["https://x.example/#y"] }, "invalid_redirect_uri"],
  ["a relative redirect URI", { ...metadata, redirect_uris: ["/callback"] }, "invalid_redirect_uri"],
])("a registration with %s is refused", async (_case, body, error) => {
  const response = await register(body);

  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error });
});

test("a client for client_credentials alone needs no redirect URI", async () => {
  const client = await registered({ client_name: "Batch", grant_types: ["client_credentials"] });

  const granted = await oauth.clientCredentialsGrantRequest(
    served.server,
    { client_id: client.client_id },
    oauth.ClientSecretPost(client.client_secret),
    { scope: "batch" },
    { [oauth.allowInsecureRequests]: true },
  );
  expect(granted.status).toBe(200);
});

test.skipIf(!hasOpenApi)("a registration's reply satisfies Pangea's schemas", async () => {
  const { client_secret, client_secret_expires_at, ...client } = await registered({
    ...metadata,
    token_endpoint_auth_method: "client_secret_post",
  });

  expect(openApiProblems("/components/schemas/authn-oauth-client-info", client)).toStrictEqual([]);
  expect(openApiProblems("/components/schemas/authn-oauth-client-secret", client_secret)).toStrictEqual([]);
  expect(openApiProblems("/components/schemas/authn-timestamp", client_secret_expires_at)).toStrictEqual([]);
});
