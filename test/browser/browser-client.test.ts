import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AuthorizationScene, openAuthorizationScene, openPage } from "./authorization-scene.ts";

let scene: AuthorizationScene;
let page: Page;
beforeAll(async () => {
  scene = await openAuthorizationScene();
  const client = await scene.startClient();
  page = await openPage(scene);
  // A page of another origin, as that of an MCP client in a browser is.
  await page.goto(new URL("/elsewhere", client.redirectUri).href);
});
afterAll(() => scene?.[Symbol.asyncDispose]());

/** What a script of the page gets: the status and a header; or the name of the error where the browser forbids it. */
function fetchInPage(path: string, headers: Record<string, string>, read: string, method = "POST"): Promise<string> {
  const request = JSON.stringify({ method, headers, ...(method === "POST" && { body: "{}" }) });
  const url = JSON.stringify(scene.server.baseUrl + path);
  return page.evaluate(
    `fetch(${url}, ${request}).then((r) => r.status + " " + r.headers.get(${JSON.stringify(read)}), (e) => e.name)`,
  );
}

it("a client in a browser reads the challenge of the MCP endpoint, whatever headers it sends", async () => {
  const headers = {
    authorization: "Bearer stale",
    "content-type": "application/json",
    "mcp-protocol-version": "2026-07-28",
    "mcp-session-id": "s",
    "mcp-param-region": "eu",
    "x-custom-header": "1",
  };
  expect(await fetchInPage("/mcp", headers, "www-authenticate")).toMatch(/^401 Bearer .*resource_metadata=/);
});

it("finds the metadata, and no page where there is none, with the header that the MCP SDK sends", async () => {
  const headers = { "mcp-protocol-version": "2026-07-28" };
  const metadata = "/.well-known/oauth-protected-resource/mcp";
  expect(await fetchInPage(metadata, headers, "content-type", "GET")).toBe("200 application/json");
  expect(await fetchInPage("/.well-known/nothing", headers, "content-type", "GET")).toBe("404 application/json");
});

it("does not read the pages that people see", async () => {
  expect(await fetchInPage("/authorize?client_id=nobody", {}, "content-type", "GET")).toBe("TypeError");
});
