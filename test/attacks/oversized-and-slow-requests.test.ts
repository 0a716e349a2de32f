import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { pangeaAuth } from "../../src/integrations/node.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions("https://login.example"), ...options });

const types = [
  ["/token", "application/x-www-form-urlencoded"],
  ["/revoke", "application/x-www-form-urlencoded"],
  ["/register", "application/json"],
  ["/consent", "application/x-www-form-urlencoded"],
  ["/authorize", "application/x-www-form-urlencoded"],
] as const;

describe.each(types)("a request to %s", (path, type) => {
  it("that is too large is refused before it is held in memory", async () => {
    const harness = start();
    let pulled = 0;
    const chunk = new Uint8Array(16 * 1024).fill(97);
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(chunk);
        },
      },
      { highWaterMark: 0 },
    );
    const request = new Request(harness.baseUrl + path, {
      method: "POST",
      headers: { "content-type": type },
      body,
      duplex: "half",
    });
    const response = await harness.provider.fetch(request);
    expect(response.status).toBe(413);
    expect(pulled).toBeLessThanOrEqual(6);
  });

  it("that never ends is refused when its time is over", async () => {
    vi.useFakeTimers();
    try {
      const harness = start({ requestTimeout: 3000 });
      let cancelled = false;
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode("a=")),
        cancel: () => {
          cancelled = true;
        },
      });
      const request = new Request(harness.baseUrl + path, {
        method: "POST",
        headers: { "content-type": type },
        body,
        duplex: "half",
      });
      const answer = harness.provider.fetch(request);
      await vi.advanceTimersByTimeAsync(3000);
      expect((await answer).status).toBe(408);
      expect(cancelled).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});

it("a form of thousands of parameters is refused", async () => {
  const form = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`p${index}`, "x"]));
  const response = await start().postForm("/token", form);
  expect(response.status).toBe(400);
  expect((await jsonOf(response)).error).toBe("invalid_request");
});

it("JSON nested a hundred thousand deep is refused", async () => {
  const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
  const response = await start().postJson("/register", `{"redirect_uris":${deep}}`);
  expect(response.status).toBe(400);
});

it("a sender that trickles is cut off over HTTP, and the server answers others meanwhile", async () => {
  const harness = start({ requestTimeout: 50 });
  const server = createServer(pangeaAuth(harness.provider, (_request, response) => response.end()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  socket.write(
    "POST /token HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 60000\r\n\r\na=",
  );
  const other = await fetch(`http://127.0.0.1:${port}/.well-known/oauth-authorization-server`);
  expect(other.status).toBe(200);
  const [data] = await once(socket, "data");
  expect(String(data)).toMatch(/^HTTP\/1\.1 408/);
  socket.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
