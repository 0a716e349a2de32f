import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import express from "express";
import { describe, expect, it } from "vitest";
import { pangeaAuth as pangeaAuthOnExpress } from "../../src/integrations/express.ts";
import { pangeaAuth, requireBearer } from "../../src/integrations/node.ts";
import { onNodeServer, startProtectedServer } from "../support/protected-server.ts";

/** An authorization server that says what it was asked. */
const echo = {
  serves: (path: string) => path === "/auth/token",
  fetch: async (request: Request) =>
    Response.json({
      path: new URL(request.url).pathname + new URL(request.url).search,
      method: request.method,
      contentType: request.headers.get("content-type"),
      body: await request.text(),
    }),
};

async function listening(listener: RequestListener): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("no port");
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const form = { "content-type": "application/x-www-form-urlencoded" };
const json = { "content-type": "application/json" };

describe("a request behind an Express router and a body parser", () => {
  it.each([
    ["urlencoded", express.urlencoded({ extended: false }), form, "code=a%2Bb&scope=user+admin"],
    ["extended urlencoded", express.urlencoded({ extended: true }), form, "code=a%2Bb&scope=user+admin"],
    ["json", express.json(), json, '{"redirect_uris":["http://localhost/"],"client_name":"Zoë"}'],
    ["text", express.text({ type: "*/*" }), form, "code=a&code=b"],
    ["raw", express.raw({ type: "*/*" }), json, '{"redirect_uris":[]}'],
  ])("arrives as it was sent, after the parser %s", async (_, parser, headers, body) => {
    await using server = await listening(express().use(parser, pangeaAuthOnExpress(echo)));
    const response = await fetch(`http://127.0.0.1:${server.port}/auth/token?a=b`, { method: "POST", headers, body });
    expect(await response.json()).toEqual({
      path: "/auth/token?a=b",
      method: "POST",
      contentType: headers["content-type"],
      body,
    });
  });

  it("does not take a parameter with another name for one of OAuth's", async () => {
    const app = express();
    app.use(express.urlencoded({ extended: true }));
    app.use("/auth", pangeaAuthOnExpress(echo));
    await using server = await listening(app);
    const response = await fetch(`http://127.0.0.1:${server.port}/auth/token`, {
      method: "POST",
      headers: form,
      body: "client_id[]=x&code[a]=y&grant_type=z",
    });
    expect(await response.json()).toMatchObject({ body: "grant_type=z" });
  });

  it("keeps a repeated parameter repeated, for the provider to refuse", async () => {
    const parser = express.urlencoded({ extended: true });
    await using server = await listening(express().use(parser, pangeaAuthOnExpress(echo)));
    const response = await fetch(`http://127.0.0.1:${server.port}/auth/token`, {
      method: "POST",
      headers: form,
      body: "code=a&code=b&scope[x]=user",
    });
    expect(await response.json()).toMatchObject({ body: "code=a&code=b" });
  });

  it("keeps its own path and its body where the router is mounted on a path", async () => {
    const app = express();
    app.use("/auth", pangeaAuthOnExpress(echo));
    await using server = await listening(app);
    const url = `http://127.0.0.1:${server.port}/auth/token?a=b`;
    const sent = await fetch(url, { method: "POST", headers: form, body: "code=a" });
    expect(await sent.json()).toMatchObject({ path: "/auth/token?a=b", body: "code=a" });
    const got = await fetch(url);
    expect(await got.json()).toMatchObject({ path: "/auth/token?a=b", method: "GET", body: "" });
  });
});

describe("a request on node:http", () => {
  it("is passed on with its body unread where the path is not the authorization server's", async () => {
    const listener = pangeaAuth(echo, async (request, response) => response.end(await text(request)));
    await using server = await listening((request, response) => void listener(request, response));
    const response = await fetch(`http://127.0.0.1:${server.port}/elsewhere`, { method: "POST", body: "untouched" });
    expect(await response.text()).toBe("untouched");
  });

  it.each([
    ["has no Host header (HTTP/1.0)", "GET /auth/token HTTP/1.0\r\n\r\n", "200"],
    ["names a foreign host", "GET /auth/token HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "200"],
    ["names a host that is none", "GET /auth/token HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n", "400"],
    ["has an authority in its path", "GET //auth/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "404"],
    ["has dots in its path", "GET /x/../auth/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "404"],
  ])("that %s is answered", async (_, request, status) => {
    const listener = pangeaAuth(echo, (_request, response) => response.writeHead(404).end());
    await using server = await listening((incoming, outgoing) => void listener(incoming, outgoing));
    const socket = connect(server.port, "127.0.0.1");
    socket.write(request);
    expect(await text(socket)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it("leaves the global Request and Response alone", async () => {
    const { Request: before, Response: alsoBefore } = globalThis;
    const listener = pangeaAuth(echo, (_request, response) => response.end());
    await using server = await listening((request, response) => void listener(request, response));
    await fetch(`http://127.0.0.1:${server.port}/auth/token`);
    expect(globalThis.Request).toBe(before);
    expect(globalThis.Response).toBe(alsoBefore);
  });
});

describe("requireBearer", () => {
  it("asks for the scopes of its own options in place of the provider's", async () => {
    await using server = await startProtectedServer(
      onNodeServer((provider) =>
        requireBearer(provider, (_request, response) => response.end(), { requiredScopes: ["admin"] }),
      ),
      "http://127.0.0.1:1",
      () => ({ requiredScopes: ["user"] }),
    );
    const refusal = await fetch(server.mcpUrl);
    expect(refusal.headers.get("www-authenticate")).toContain('scope="admin"');
  });
});
