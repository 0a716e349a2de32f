import { once } from "node:events";
import { createServer } from "node:http";
import express from "express";
import { describe, expect, it } from "vitest";
import * as onExpress from "../../src/integrations/express.ts";
import * as onNode from "../../src/integrations/node.ts";
import { freePort } from "../support/free-port.ts";
import { watchedServer } from "../support/watched-server.ts";

const mcp = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
const events = { headers: { accept: "text/event-stream" } };
const page = { headers: { accept: "text/html" } };

/** A server behind a guard that stands before everything, what it warns of, and how many requests came through. */
async function serve(mount: "protectMcp" | "Express", baseUrl = "http://localhost:8000") {
  const { provider, warnings } = watchedServer(baseUrl);
  const app = express();
  app.use(onExpress.pangeaAuth(provider), onExpress.requireBearer(provider));
  const listener = mount === "Express" ? app : onNode.protectMcp(provider, (_, response) => response.end("in"));
  const server = createServer(listener);
  const port = await freePort();
  await once(server.listen(port, "127.0.0.1"), "listening");
  return {
    ask: async (path: string, init: RequestInit = {}) => (await fetch(`http://127.0.0.1:${port}${path}`, init)).status,
    topics: () => warnings.map((text) => /#([\w-]+)/.exec(text)?.[1]),
    [Symbol.asyncDispose]: async () => {
      await provider[Symbol.asyncDispose]();
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

/** A path, how it is asked for, and the status at a whole server that is protected. A row more is all that a new one needs. */
const visits: readonly (readonly [path: string, init: RequestInit, status: number])[] = [
  ["/favicon.ico", {}, 404],
  ["/favicon.ico", { method: "HEAD" }, 404],
  ["/", page, 404],
  ["/nonsense", page, 404],
  ["/robots.txt", {}, 404],
  ["/mcpx", page, 404],
  ["/mcp", page, 401],
  ["/mcp/", page, 401],
  ["/mcp/sub", page, 401],
  ["/mcp", mcp, 401],
  ["/mcp", events, 401],
  ["/nonsense", mcp, 401],
  ["/sse", events, 401],
  ["/favicon.ico", { headers: { authorization: "Bearer a" } }, 401],
];

describe("a server that protectMcp protects", () => {
  it.each(visits)("answers %s (%o) with %i", async (path, init, status) => {
    await using server = await serve("protectMcp");
    expect(await server.ask(path, init)).toBe(status);
  });
});

describe.each(["protectMcp", "Express"] as const)("the operator of a server with %s", (mount) => {
  it.each([["http://localhost:8000"], ["http://localhost:8000/prefix"]])(
    "hears nothing of browsers and crawlers, at %s",
    async (baseUrl) => {
      await using server = await serve(mount, baseUrl);
      const paths = ["/favicon.ico", "/", "/nonsense", "/robots.txt", "/apple-touch-icon.png", "/index.html"];
      for (const path of paths) await server.ask(path, page);
      expect(server.topics()).toEqual([]);
    },
  );

  it("hears of a client at another path, and not of requests to the MCP endpoint that there were none of", async () => {
    await using server = await serve(mount);
    for (let count = 0; count < 6; count += 1) await server.ask("/sse", events);
    expect(server.topics()).toEqual(["guarded-elsewhere"]);
  });

  it("hears of requests to the MCP endpoint whose metadata nobody asks for", async () => {
    await using server = await serve(mount);
    for (let count = 0; count < 5; count += 1) await server.ask("/mcp", mcp);
    expect(server.topics()).toEqual(["metadata-not-asked"]);
  });

  it("hears of a proxy that takes the prefix off", async () => {
    await using server = await serve(mount, "http://localhost:8000/prefix");
    await server.ask("/mcp", page);
    expect(server.topics()).toEqual(["path-prefix"]);
  });
});
