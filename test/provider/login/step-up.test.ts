import { expect, it } from "vitest";
import { OAuthError } from "../../../src/index.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const start = () =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), mcpScopes: ["read", "write", "admin"] });
const scopesOf = (response: Response) => /scope="([^"]*)"/.exec(response.headers.get("www-authenticate") ?? "")?.[1];

async function guard(harness: ProviderHarness, token: string, requiredScopes: string[]): Promise<Response> {
  const headers = new Headers({ authorization: `Bearer ${token}` });
  const answer = await harness.provider.authenticate({ headers }, { requiredScopes });
  return answer instanceof Response ? answer : new Response();
}

it("a client that asks again for what a 403 names gets a token that has everything, and loses nothing", async () => {
  const harness = start();
  const first = await harness.tokens({ scope: "read" });
  expect(first.scope).toBe("read");

  const refusal = await guard(harness, first.access_token, ["write"]);
  expect(refusal.status).toBe(403);
  const wanted = scopesOf(refusal) ?? "";
  expect(wanted).toBe("read write");

  const second = await harness.tokensFor(first.clientId, { scope: wanted });
  expect(second.scope).toBe("read write");
  expect((await guard(harness, second.access_token, ["write"])).status).toBe(200);
  expect((await guard(harness, second.access_token, ["read"])).status).toBe(200);
  // What the first token may do is not changed by it.
  expect((await guard(harness, first.access_token, ["write"])).status).toBe(403);
  expect((await guard(harness, first.access_token, ["read"])).status).toBe(200);
});

it("the person is asked anew for the scopes that are added, and only for them to count once allowed", async () => {
  const harness = start();
  const { clientId } = await harness.tokens({ scope: "read" });
  const page = await harness.openConsentPage({
    client_id: clientId,
    code_challenge: "c".repeat(43),
    scope: "read write",
  });
  expect(page.html).toContain("write");
  const denied = await harness.decide(page, "deny");
  expect(new URL(denied.headers.get("location") ?? "").searchParams.get("error")).toBe("access_denied");
});

it("a tool can ask for more scopes than the guard", async () => {
  const response = start().provider.refusal(
    new OAuthError("insufficient_scope", "This tool needs more.", { scopes: ["read", "admin"] }),
  );
  expect(response.status).toBe(403);
  expect(scopesOf(response)).toBe("read admin");
  expect(response.headers.get("www-authenticate")).toContain("resource_metadata=");
});
