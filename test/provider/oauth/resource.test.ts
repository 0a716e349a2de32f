import { expect, it } from "vitest";
import {
  checkAudience,
  checkResource,
  isSameResource,
  requestedResource,
} from "../../../src/provider/oauth/resource.ts";

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

it("does not take two texts that are no URLs for one resource", () => {
  expect(isSameResource("mcp", "mcp")).toBe(false);
  expect(isSameResource("https://:secret@mcp.example/mcp", "https://mcp.example/mcp")).toBe(false);
});

const own = "https://mcp.example/mcp";
const refusal = expect.objectContaining({ error: "invalid_target" });

it("a client asks for the one resource, or for none, which means that one", () => {
  for (const requested of [undefined, own, `${own}/`]) expect(checkResource(own, requested)).toBe(own);
  for (const requested of ["", "https://mcp.example/other"]) {
    expect(() => checkResource(own, requested)).toThrow(refusal);
  }
});

it.each([
  "https://mcp.example",
  "https://MCP.example:443/",
  "https://mcp.example/mcp?kb_name=notes",
  "https://mcp.example/?x",
])("a client that asks for %j means the one resource", (requested) => {
  expect(checkResource(own, requested)).toBe(own);
  expect(checkAudience(own, requested, new URL(own))).toBeUndefined();
});

it("what is no URL means no server, and a server whose resource is none is meant by nobody", () => {
  for (const [server, requested] of [
    ["mcp", "mcp"],
    ["mcp", own],
    [own, "mcp"],
  ] as const) {
    expect(() => checkResource(server, requested)).toThrow(refusal);
  }
});

it("a server below a path is meant by its base URL, and by no neighbour's", () => {
  const tenant = "https://mcp.example/tenants/a/mcp";
  for (const above of ["https://mcp.example/tenants/a", "https://mcp.example/tenants/", "https://mcp.example"]) {
    expect(checkResource(tenant, above)).toBe(tenant);
  }
  for (const other of [
    "https://mcp.example/tenants/b",
    "https://mcp.example/tenants/a/m",
    "https://mcp.example/tenant",
  ]) {
    expect(() => checkResource(tenant, other)).toThrow(refusal);
  }
});

it("values that are repeated ask for the one resource where each means that, for the stranger among them otherwise", () => {
  expect(requestedResource(own, [])).toBeUndefined();
  expect(requestedResource(own, [own, own, "https://mcp.example/"])).toBe(own);
  expect(requestedResource(own, [own, "https://other.example"])).toBe("https://other.example");
});

it("a token request names no resource, or the one that was authorized and that this server has", () => {
  const authorized = new URL(own);
  for (const requested of [undefined, own]) expect(() => checkAudience(own, requested, authorized)).not.toThrow();
  const moved = "https://moved.example/mcp";
  expect(() => checkAudience(own, moved, new URL(moved)), "not this server's any more").toThrow(refusal);
  expect(() => checkAudience(moved, moved, authorized), "not the one that was authorized").toThrow(refusal);
  expect(() => checkAudience(moved, undefined, authorized)).not.toThrow();
});
