import { describe, expect, it, vi } from "vitest";
import { createInMemoryRepositories, McpOAuthProvider } from "../../../src/index.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";

vi.mock("../../../src/provider/http/pages/pages.ts", () => {
  throw new Error("EMFILE: too many open files");
});

const baseUrl = "https://mcp.example";

describe("a server whose pages cannot be loaded", () => {
  it.each([
    ["GET", "/authorize?client_id=nobody"],
    ["POST", "/consent"],
    ["GET", "/fake/callback?state=nobody"],
  ])("answers %s %s with a line of text, and rejects nothing", async (method, path) => {
    const outages: unknown[] = [];
    await using provider = new McpOAuthProvider({
      baseUrl,
      scopes: ["user"],
      secret: "a secret of this test, which is long enough",
      repositories: createInMemoryRepositories(),
      upstream: new FakeUpstream(Date.now),
      logger: { debug() {}, info() {}, warn() {}, error: (...data: unknown[]) => void outages.push(data) },
    });
    const response = await provider.fetch(new Request(baseUrl + path, { method }));
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.headers.get("content-type")).toMatch(/^text\//);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(await response.text()).not.toContain("EMFILE");
    expect(outages).not.toEqual([]);
  });
});
