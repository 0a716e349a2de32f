import { expect, it } from "vitest";
import { isSameResource } from "../../../src/provider/oauth/resource.ts";

it("forgives the case of the host, the default port and one trailing slash", () => {
  expect(isSameResource("https://mcp.example/mcp", "https://MCP.example:443/mcp/")).toBe(true);
  expect(isSameResource("https://mcp.example", new URL("https://mcp.example/"))).toBe(true);
});

it.each([
  "https://mcp.example/other",
  "https://mcp.example/MCP",
  "https://mcp.example/mcp//",
  "https://mcp.example:8443/mcp",
  "http://mcp.example/mcp",
  "https://mcp.example/mcp?x=1",
  "https://mcp.example/mcp#x",
  "https://user@mcp.example/mcp",
  "mcp",
  "",
])("does not take %j for https://mcp.example/mcp", (other) => {
  expect(isSameResource("https://mcp.example/mcp", other)).toBe(false);
});
