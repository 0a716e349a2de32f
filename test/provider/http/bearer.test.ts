import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  type AccessToken,
  createInMemoryRepositories,
  type Grant,
  OAuthError,
  PangeaOAuthProvider,
  tokenKey,
} from "../../../src/index.ts";
import { formatAccessToken, formatHandle } from "../../../src/provider/oauth/grant-credential.ts";
import { grantIdOf } from "../../../src/records/keys.ts";
import { FailingRepositories } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { providerOptions } from "../../support/provider-harness.ts";

const options = providerOptions("https://login.example");
const handle = formatHandle(randomBytes(16));
const grantId = grantIdOf(handle);
const token = formatAccessToken(handle, randomBytes(32));
const record = () => ({
  clientId: "c1",
  scopes: ["user"],
  expiresAt: Math.floor(Date.now() / 1000) + 600,
  resource: new URL("http://localhost:8000/mcp"),
});

/** A store with the record of the token, and with its grant. */
async function storeWith(changes: Partial<AccessToken> = {}, ended: Partial<Grant> = {}) {
  const repositories = createInMemoryRepositories();
  await repositories.accessTokens.set(tokenKey(token), { ...record(), grantId, ...changes });
  const { clientId, scopes, expiresAt } = record();
  await repositories.grants.set(grantId, { clientId, scopes, createdAt: expiresAt - 600, expiresAt, ...ended });
  return repositories;
}

async function ask(
  provider: PangeaOAuthProvider,
  authorization?: string,
  requiredScopes?: string[],
): Promise<Response> {
  const headers = new Headers(authorization === undefined ? {} : { authorization });
  const answer = await provider.authenticate({ headers }, requiredScopes === undefined ? {} : { requiredScopes });
  return answer instanceof Response ? answer : Response.json(answer);
}

describe("the guard of the MCP endpoint", () => {
  it("sends a stranger to the metadata, with the scopes to ask for", async () => {
    const response = await ask(new PangeaOAuthProvider({ ...options, requiredScopes: ["user"] }));
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(
      /^Bearer error="invalid_token", error_description="[^"]+", scope="user", resource_metadata="([^"]+)"$/,
    );
    expect(response.headers.get("www-authenticate")).toContain(
      '"http://localhost:8000/.well-known/oauth-protected-resource/mcp"',
    );
  });

  it.each([
    ["quotation marks", 'Needs the "admin" scope, realm="x"', "Needs the  admin  scope, realm= x "],
    ["curly quotation marks", "Needs the \u201cadmin\u201d scope", "Needs the  admin  scope"],
    ["a line break", "one\r\nset-cookie: a=b", "one set-cookie: a=b"],
    ["a backslash", "a\\", "a "],
  ])("writes a tool's message with %s into the challenge without them", (_, message, written) => {
    const failure = new OAuthError("insufficient_scope", message, { scopes: ["admin", 'bad"scope'] });
    const challenge = new PangeaOAuthProvider(options).refusal(failure).headers.get("www-authenticate");
    expect(challenge).toBe(
      `Bearer error="insufficient_scope", error_description="${written}", scope="admin", ` +
        'resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp"',
    );
  });

  it("refuses for want of a scope that the server does not know, and tells its operator", async () => {
    const told: unknown[] = [];
    const logger = {
      debug() {},
      info() {},
      warn: (...entry: unknown[]) => told.push(entry),
      error: (...entry: unknown[]) => told.push(entry),
    };
    const provider = new PangeaOAuthProvider({ ...options, logger, repositories: await storeWith() });
    expect((await ask(provider, `Bearer ${token}`, ["tols"])).status).toBe(403);
    expect(JSON.stringify(told)).toContain("tols");
    await expect(provider.authenticate({ headers: new Headers() }, { requiredScopes: [""] })).rejects.toMatchObject({
      code: "ERR_CONFIGURATION",
    });
  });

  it("lets a token of this server and this resource through", async () => {
    const repositories = await storeWith({ subject: "pui_x" });
    const response = await ask(new PangeaOAuthProvider({ ...options, repositories }), `Bearer ${token}`);
    expect(response.status).toBe(200);
    expect(await jsonOf(response)).toMatchObject({
      clientId: "c1",
      scopes: ["user"],
      resource: "http://localhost:8000/mcp",
      extra: { subject: "pui_x", grantId },
    });
  });

  it.each([
    ["one for another resource", { resource: new URL("https://other.example/mcp") }],
    ["one that has expired", { expiresAt: 1 }],
    ["one that was revoked by itself", { revokedAt: 1 }],
  ])("refuses %s", async (_, changes) => {
    const repositories = await storeWith(changes);
    const response = await ask(new PangeaOAuthProvider({ ...options, repositories }), `Bearer ${token}`);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain('error="invalid_token"');
  });

  it.each([
    ["whose grant was revoked", { revokedAt: 1 }],
    ["whose grant is over", { expiresAt: 1 }],
  ])("refuses one %s, though its own record is good", async (_, ended) => {
    const repositories = await storeWith({}, ended);
    expect((await ask(new PangeaOAuthProvider({ ...options, repositories }), `Bearer ${token}`)).status).toBe(401);
  });

  it("refuses one whose grant is not there, though its own record is good", async () => {
    const repositories = await storeWith();
    await repositories.grants.delete(grantId);
    expect((await ask(new PangeaOAuthProvider({ ...options, repositories }), `Bearer ${token}`)).status).toBe(401);
  });

  it("refuses one of ours whose record names no resource", async () => {
    const repositories = await storeWith();
    const { resource: _, ...rest } = record();
    await repositories.accessTokens.set(tokenKey(token), { ...rest, grantId });
    expect((await ask(new PangeaOAuthProvider({ ...options, repositories }), `Bearer ${token}`)).status).toBe(401);
  });

  it("answers 403 with every scope that is needed", async () => {
    const repositories = await storeWith();
    const provider = new PangeaOAuthProvider({ ...options, repositories });
    const response = await ask(provider, `Bearer ${token}`, ["user", "admin"]);
    expect(response.status).toBe(403);
    const challenge = response.headers.get("www-authenticate");
    expect(challenge).toContain('error="insufficient_scope"');
    expect(challenge).toContain('scope="user admin"');
    expect(challenge).toContain("resource_metadata=");
  });

  it("answers 400 to a malformed header and 401 to another scheme", async () => {
    const provider = new PangeaOAuthProvider(options);
    expect((await ask(provider, "Bearer a b")).status).toBe(400);
    expect((await ask(provider, 'Bearer "a"')).status).toBe(400);
    expect((await ask(provider, "Basic eDp5")).status).toBe(401);
  });

  it.each(["Bearer", "Bearer ", "bearer", " Bearer "])("answers 401 to %j, which has no token yet", async (header) => {
    const response = await ask(new PangeaOAuthProvider(options), header);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("resource_metadata=");
  });

  it("answers 503 while the store is out, and says nothing about the token", async () => {
    const store = new FailingRepositories();
    store.fail("get");
    const provider = new PangeaOAuthProvider({ ...options, repositories: store.repositories });
    const response = await ask(provider, `Bearer ${token}`);
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(response.headers.get("www-authenticate")).toBeNull();
    expect((await jsonOf(response)).error).toBe("temporarily_unavailable");
  });

  it("asks the store nothing about a token that cannot be ours", async () => {
    const store = new FailingRepositories();
    store.fail("get");
    const provider = new PangeaOAuthProvider({ ...options, repositories: store.repositories });
    expect((await ask(provider, "Bearer ptu_something")).status).toBe(401);
    expect((await ask(provider, `Bearer ${token.slice(0, -1)}`)).status).toBe(401);
  });
});

describe("records that the Python package wrote", () => {
  const python = `mcp_${"5f".repeat(32)}`;

  it("stay good until they expire, though they name no resource", async () => {
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories();
    const expiresAt = Math.floor(clock.seconds()) + 60;
    await repositories.accessTokens.set(tokenKey(python), { clientId: "c1", scopes: ["user"], expiresAt, claims: {} });
    const provider = new PangeaOAuthProvider({ ...options, repositories, clock: clock.read });
    expect((await ask(provider, `Bearer ${python}`)).status).toBe(200);
    clock.advanceSeconds(61);
    expect((await ask(provider, `Bearer ${python}`)).status).toBe(401);
  });

  it("open nothing where they hold an upstream token", async () => {
    const repositories = createInMemoryRepositories();
    for (const upstream of ["ptu_abc", python]) {
      await repositories.accessTokens.set(tokenKey(upstream), { clientId: "c1", scopes: ["user"], claims: {} });
      const provider = new PangeaOAuthProvider({ ...options, repositories });
      expect((await ask(provider, `Bearer ${upstream}`)).status, upstream).toBe(401);
    }
  });
});
