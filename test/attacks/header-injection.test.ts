import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, it } from "vitest";
import { protectMcp } from "../../src/integrations/node.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

const payloads = [
  "x\r\nSet-Cookie: pwned=1",
  "x\nSet-Cookie: pwned=1",
  "x\rSet-Cookie: pwned=1",
  "x\r\n\r\n<script>alert(1)</script>",
  "x\u2028Set-Cookie: pwned=1",
  "\u560d\u560aSet-Cookie: pwned=1",
  "x\u0000y",
  'x", error="injected',
  "x; HttpOnly",
];

const start = (): ProviderHarness => new ProviderHarness(providerOptions(emulator.issuerUrl));

/** Nothing of a payload is a header or a header's parameter of its own. */
function isClean(response: Response): void {
  expect(response.status).toBeLessThan(500);
  expect(response.headers.getSetCookie().join("\n")).not.toMatch(/pwned/);
  expect(response.headers.get("www-authenticate") ?? "").not.toContain("injected");
  for (const [, value] of response.headers) expect(value).not.toMatch(/[\r\n\0]/);
}

it.each(payloads)("%j in any parameter of an authorization request stays a value", async (payload) => {
  const harness = start();
  const { client_id } = await harness.register();
  const names = [
    "client_id",
    "redirect_uri",
    "state",
    "scope",
    "resource",
    "response_type",
    "code_challenge",
    "prompt",
  ];
  for (const name of names) {
    isClean(await harness.get(harness.authorizePath({ client_id, code_challenge: pkce().challenge, [name]: payload })));
  }
});

it.each(payloads)("%j as the state comes back to the client as it was, in one Location", async (payload) => {
  const harness = start();
  const { client_id } = await harness.register();
  const page = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge, state: payload });
  const denied = await harness.decide(page, "deny");
  isClean(denied);
  expect(new URL(denied.headers.get("location") ?? "").searchParams.get("state")).toBe(payload);
});

it.each(payloads)("%j in Pangea's answer, in a token request or in a registration stays a value", async (payload) => {
  const harness = start();
  const { client_id } = await harness.register({ client_name: payload });
  const { location, cookie } = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
  const state = location.searchParams.get("state") ?? "";
  for (const changes of [
    { error: payload },
    { error: "access_denied", error_description: payload },
    { code: payload },
  ]) {
    isClean(await harness.get(`/pangea/callback?${new URLSearchParams({ state, ...changes })}`, { cookie }));
  }
  isClean(await harness.get(`/pangea/callback?${new URLSearchParams({ state: payload })}`, { cookie }));
  for (const name of ["grant_type", "client_id", "code", "code_verifier", "refresh_token", "token", "client_secret"]) {
    const form = { grant_type: "refresh_token", client_id, refresh_token: "x", token: "x", [name]: payload };
    isClean(await harness.postForm("/token", form));
    isClean(await harness.postForm("/revoke", form));
  }
  isClean(await harness.postJson("/register", { redirect_uris: [payload], client_name: payload, scope: payload }));
});

it("a redirect URI of a client cannot bring a header along", async () => {
  const harness = start();
  for (const payload of payloads) {
    const response = await harness.postJson("/register", { redirect_uris: [`https://app.example/${payload}`] });
    if (response.status === 201) expect(payload, "the only harmless one").toBe("x; HttpOnly");
    else expect(response.status).toBe(400);
  }
});

it("over a socket, where headers are bytes, the answer has the headers that it should have", async () => {
  const server = createServer(protectMcp(start().provider, (_request, response) => response.end()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const raw = async (head: string): Promise<string> => {
    const socket = connect(port, "127.0.0.1");
    socket.end(`${head}\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    let text = "";
    for await (const part of socket) text += String(part);
    return text;
  };
  const encoded = encodeURIComponent("x\r\nSet-Cookie: pwned=1");
  for (const head of [
    `GET /authorize?client_id=${encoded}&state=${encoded} HTTP/1.1`,
    `GET /pangea/callback?state=${encoded}&error=${encoded} HTTP/1.1`,
    `GET /mcp HTTP/1.1\r\nauthorization: Bearer ${encoded}`,
    'GET /mcp HTTP/1.1\r\nauthorization: Bearer x", error="injected',
  ]) {
    const [headers = ""] = (await raw(head)).split("\r\n\r\n");
    expect(headers).toMatch(/^HTTP\/1\.1 40[01] /);
    expect(headers.toLowerCase()).not.toContain("set-cookie");
    expect(headers).not.toContain("injected");
  }
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
