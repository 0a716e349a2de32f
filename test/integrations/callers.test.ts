import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { PangeaOAuthProvider } from "../../src/index.ts";
import { pangeaAuth as onExpress } from "../../src/integrations/express.ts";
import { pangeaAuth as onHono } from "../../src/integrations/hono.ts";
import { pangeaAuth as onNode } from "../../src/integrations/node.ts";
import { providerOptions } from "../support/provider-harness.ts";

const provider = () =>
  new PangeaOAuthProvider({
    ...providerOptions("https://login.example"),
    rateLimits: { perCaller: { authorize: { requests: 1, perSeconds: 60 } } },
  });

/** The statuses of one request for each of these visitors behind a proxy. */
async function statuses(listener: RequestListener, visitors: readonly string[]): Promise<number[]> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const seen: number[] = [];
  for (const visitor of visitors) {
    const headers = { "x-forwarded-for": visitor, "x-real-ip": visitor };
    seen.push((await fetch(`http://127.0.0.1:${port}/pangea/callback`, { headers })).status);
  }
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return seen;
}

const expressApp = (trustProxy: boolean) => {
  const app = express();
  app.set("trust proxy", trustProxy);
  return app.use(onExpress(provider()));
};
const honoListener = (options: Parameters<typeof onHono>[1]) =>
  getRequestListener(new Hono().use(onHono(provider(), options)).fetch, { overrideGlobalObjects: false });

describe("behind a proxy", () => {
  const two = ["203.0.113.1", "203.0.113.2", "203.0.113.1"];
  const apart = [400, 400, 429];
  const together = [400, 429, 429];
  const nobody: RequestListener = (_request, response) => response.end();
  const realIp = (header: string | string[] | null | undefined) => String(header);

  it.each<[string, RequestListener, number[]]>([
    ["node:http believes no header by itself", onNode(provider(), nobody), together],
    [
      "node:http tells visitors apart as it is told to",
      onNode(provider(), nobody, { caller: (request) => realIp(request.headers["x-real-ip"]) }),
      apart,
    ],
    ["Express believes no header by itself", expressApp(false), together],
    ["Express tells visitors apart by its trust proxy setting", expressApp(true), apart],
    ["Hono believes no header by itself", honoListener({}), together],
    [
      "Hono tells visitors apart as it is told to",
      honoListener({ caller: ({ req }) => realIp(req.raw.headers.get("x-real-ip")) }),
      apart,
    ],
  ])("%s", async (_name, listener, expected) => {
    expect(await statuses(listener, two)).toEqual(expected);
  });
});

describe("Hono on another runtime", () => {
  const first = "203.0.113.1";
  const second = "203.0.113.2";
  const onBun = (address: string | undefined) => ({
    requestIP: () => (address === undefined ? null : { address, family: "IPv4", port: 4999 }),
  });
  const onDeno = (hostname: string | undefined) => ({ remoteAddr: { transport: "tcp", hostname, port: 4999 } });

  it.each<[string, (address: string | undefined) => unknown]>([
    ["Bun, where it gives its server", onBun],
    ["Bun, where the application gives the server under its name", (address) => ({ server: onBun(address) })],
    ["Deno", onDeno],
  ])(
    "%s: the address of the connection is the caller, and one without an address counts in total only",
    async (_, envOf) => {
      const app = new Hono().use(onHono(provider()));
      const statusFrom = async (address: string | undefined) =>
        (await app.request("http://localhost:8000/pangea/callback", {}, Object(envOf(address)))).status;
      const seen = [];
      for (const address of [first, second, first, undefined, undefined]) seen.push(await statusFrom(address));
      expect(seen).toEqual([400, 400, 429, 400, 400]);
    },
  );
});
