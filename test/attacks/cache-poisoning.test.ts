import { expect, it } from "vitest";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

const start = (): ProviderHarness => new ProviderHarness(providerOptions(emulator.issuerUrl));

/** Headers that some frameworks build URLs from, and that caches between them and a client do not look at. */
const unkeyed = {
  host: "evil.example",
  "x-forwarded-host": "evil.example",
  "x-forwarded-proto": "https",
  "x-forwarded-port": "4443",
  "x-forwarded-prefix": "/evil",
  "x-forwarded-server": "evil.example",
  "x-host": "evil.example",
  "x-original-url": "/evil",
  "x-rewrite-url": "/evil",
  "x-http-method-override": "POST",
  forwarded: "host=evil.example;proto=https",
  origin: "https://evil.example",
  referer: "https://evil.example/",
  "accept-language": "evil",
};

const documents = [
  "/.well-known/oauth-authorization-server",
  "/.well-known/openid-configuration",
  "/.well-known/oauth-protected-resource",
  "/.well-known/oauth-protected-resource/mcp",
];

async function everything(response: Response): Promise<[number, string, [string, string][]]> {
  return [response.status, await response.text(), [...response.headers]];
}

it.each(documents)("%s is the same for everybody, so that one caller's copy may serve all", async (path) => {
  const harness = start();
  const plain = await everything(await harness.get(path));
  expect(plain[0]).toBe(200);
  expect(await everything(await harness.get(path, unkeyed))).toEqual(plain);
  expect(await everything(await harness.get(`${path}?issuer=https://evil.example&x=1`, unkeyed))).toEqual(plain);
  expect(await everything(await harness.provider.fetch(new Request(`https://evil.example${path}`)))).toEqual(plain);
});

it("the challenge of the MCP endpoint, and where a browser is sent, name the configured server only", async () => {
  const harness = start();
  const refusal = await harness.provider.authenticate({ headers: new Headers(unkeyed) });
  if (!(refusal instanceof Response)) throw new TypeError("A stranger was let in");
  expect([...refusal.headers].join()).not.toContain("evil");
  expect(refusal.headers.get("www-authenticate")).toContain("http://localhost:8000/.well-known/");

  const { client_id } = await harness.register();
  const page = await harness.get(harness.authorizePath({ client_id, code_challenge: pkce().challenge }), unkeyed);
  expect(await page.text()).not.toContain("evil");
});

it("whatever belongs to one person or one client is kept by no cache", async () => {
  const harness = start();
  const { client_id } = await harness.register();
  const request = { client_id, code_challenge: pkce().challenge };
  const page = await harness.openConsentPage(request);
  const tokens = await harness.tokensFor(client_id);
  const responses = {
    "the consent page": page.response,
    "a decision": await harness.decide(page, "allow"),
    "an error in a redirect": await harness.get(harness.authorizePath({ ...request, scope: "root" })),
    "an error page": await harness.get("/authorize"),
    "a callback": await harness.get("/pangea/callback?state=x&code=x"),
    "a registration": await harness.postJson("/register", { redirect_uris: ["https://app.example/"] }),
    "a refused registration": await harness.postJson("/register", {}),
    tokens: await harness.refresh(tokens),
    "a refused token request": await harness.refresh(tokens, { scope: "root" }),
    "a revocation": await harness.postForm("/revoke", { client_id, token: tokens.access_token }),
  };
  for (const [name, { headers }] of Object.entries(responses)) {
    expect(headers.get("cache-control"), name).toBe("no-store");
  }
});

it("a refused method leaves nothing that a cache would serve to others", async () => {
  const harness = start();
  for (const path of [...documents, "/token", "/authorize"]) {
    const response = await harness.provider.fetch(new Request(harness.baseUrl + path, { method: "DELETE" }));
    expect(response.status).toBe(405);
    expect(response.headers.get("cache-control")).toBe("no-store");
  }
});
