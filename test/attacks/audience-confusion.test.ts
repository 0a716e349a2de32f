import { expect, it } from "vitest";
import { createInMemoryRepositories } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

/** Two servers of one operator, with one store and one secret, as careless as it gets. */
function twoServers(): { notes: ProviderHarness; payroll: ProviderHarness } {
  const shared = { ...providerOptions(emulator.issuerUrl), repositories: createInMemoryRepositories() };
  return {
    notes: new ProviderHarness({ ...shared, mcpBaseUrl: "http://localhost:8000", mcpPath: "/notes" }),
    payroll: new ProviderHarness({ ...shared, mcpBaseUrl: "http://localhost:8001", mcpPath: "/payroll" }),
  };
}

it("an access token opens the server that it was issued for, and no other that shares the store", async () => {
  const { notes, payroll } = twoServers();
  const tokens = await notes.tokens({ resource: "http://localhost:8000/notes" });
  expect(await notes.mcpStatus(tokens.access_token)).toBe(200);
  expect(await payroll.mcpStatus(tokens.access_token)).toBe(401);
});

it("nor does a token of a request that named no resource", async () => {
  const { notes, payroll } = twoServers();
  const tokens = await notes.tokens();
  expect(await notes.mcpStatus(tokens.access_token)).toBe(200);
  expect(await payroll.mcpStatus(tokens.access_token)).toBe(401);
});

it.each(["http://localhost:8001/payroll", "http://localhost:8000/notes", ""])(
  "a code or refresh token cannot be turned at the other server: %j",
  async (resource) => {
    const { notes, payroll } = twoServers();
    const { client_id } = await notes.register();
    const code = await notes.codeFor(client_id);
    expect((await jsonOf(await payroll.redeem(code, { resource }))).error).toBe("invalid_grant");
    expect((await notes.redeem(code)).status, "it is the right server's still").toBe(200);

    const tokens = await notes.tokensFor(client_id);
    expect((await jsonOf(await payroll.refresh(tokens, { resource }))).error).toBe("invalid_grant");
    expect((await notes.refresh(tokens)).status).toBe(200);
  },
);

it.each(["http://localhost:8001/payroll", "http://localhost:8000/other"])(
  "nor can a code or refresh token be turned to another resource at its own server: %j",
  async (resource) => {
    const { notes } = twoServers();
    const { client_id } = await notes.register();
    const code = await notes.codeFor(client_id);
    expect((await jsonOf(await notes.redeem(code, { resource }))).error).toBe("invalid_target");
    const tokens = await notes.tokensFor(client_id);
    expect((await jsonOf(await notes.refresh(tokens, { resource }))).error).toBe("invalid_target");
  },
);

it("a token that was asked for by the bare origin opens that one server of the origin", async () => {
  const shared = { ...providerOptions(emulator.issuerUrl), repositories: createInMemoryRepositories() };
  const [notes, payroll] = ["/notes", "/payroll"].map((mcpPath) => new ProviderHarness({ ...shared, mcpPath }));
  const tokens = await notes?.tokens({ resource: "http://localhost:8000" });
  expect(await notes?.mcpStatus(tokens?.access_token ?? "")).toBe(200);
  expect(await payroll?.mcpStatus(tokens?.access_token ?? "")).toBe(401);
});

it.each([
  "http://localhost:8000/notes/../payroll",
  "http://localhost:8000/note",
  "http://localhost:8000//",
  "http://localhost:8000/?x#fragment",
  "http://localhost:8000/Notes",
  "http://localhost:8000/notes/deeper",
  "http://localhost:8001/notes",
  "https://localhost:8000/notes",
  "http://user@localhost:8000/notes",
  "http://localhost:8000/notes#fragment",
  "http://localhost.evil.example:8000/notes",
  "not a URL",
])("a request for %j is not taken for one for this resource", async (resource) => {
  const { notes } = twoServers();
  const { client_id } = await notes.register();
  const response = await notes.get(notes.authorizePath({ client_id, resource, code_challenge: "c".repeat(43) }));
  expect(new URL(response.headers.get("location") ?? "").searchParams.get("error")).toBe("invalid_target");
});

it.each([
  ["http://localhost:8000/notes", "http://localhost:8001/payroll"],
  ["https://evil.example/notes", "http://localhost:8000"],
])("nor is one for %j and %j together", async (...resources) => {
  const { notes } = twoServers();
  const { client_id } = await notes.register();
  const repeated = new URLSearchParams(resources.map((resource) => ["resource", resource]));
  const path = notes.authorizePath({ client_id, code_challenge: "c".repeat(43) });
  const response = await notes.get(`${path}&${repeated}`);
  expect(new URL(response.headers.get("location") ?? "").searchParams.get("error")).toBe("invalid_target");
  const code = await notes.codeFor(client_id);
  const body = `${new URLSearchParams({
    grant_type: "authorization_code",
    client_id,
    code: code.code,
    code_verifier: code.verifier,
  })}&${repeated}`;
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await notes.provider.fetch(new Request(`${notes.baseUrl}/token`, { method: "POST", body, headers }));
  expect((await jsonOf(answer)).error).toBe("invalid_target");
});
