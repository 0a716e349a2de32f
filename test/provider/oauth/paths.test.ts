import { expect, it } from "vitest";
import { callbackPath, pathBelow, paths, wellKnownUrl, withoutLastSlashes } from "../../../src/provider/oauth/paths.ts";

it("the endpoints are where they have always been", () => {
  const pages = ["/authorize", "/consent", "/token", "/register", "/revoke", "/account"];
  expect(Object.values(paths)).toEqual([...pages, "/.well-known/jwks.json"]);
  expect(callbackPath("pangea")).toBe("/pangea/callback");
});

it.each([
  ["https://mcp.example", "", "https://mcp.example/.well-known/x"],
  ["https://mcp.example/", "", "https://mcp.example/.well-known/x"],
  ["https://mcp.example:8443/a/b", "/a/b", "https://mcp.example:8443/.well-known/x/a/b"],
  ["https://mcp.example/a/", "/a", "https://mcp.example/.well-known/x/a"],
])("what is below %s", (url, path, wellKnown) => {
  expect(pathBelow(url)).toBe(path);
  expect(wellKnownUrl(url, "x")).toBe(wellKnown);
});

it.each([
  ["", ""],
  ["//", ""],
  ["https://a", "https://a"],
  ["https://a///", "https://a"],
  ["https://a//b/", "https://a//b"],
])("%j without the slashes at its end", (text, expected) => {
  expect(withoutLastSlashes(text)).toBe(expected);
});
