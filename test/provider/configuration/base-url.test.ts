import { describe, expect, it } from "vitest";
import { configured } from "../../support/configured.ts";

const addresses = (baseUrl: string | URL) => {
  const { baseUrl: own, issuer, resource } = configured({ baseUrl: baseUrl as string });
  return { baseUrl: own, issuer, resource };
};

describe("a base URL that is written in another way is the one that clients make of it", () => {
  it.each([
    ["in large letters", "HTTPS://MCP.Example.ORG", "https://mcp.example.org"],
    ["with the port that https has anyway", "https://mcp.example.org:443", "https://mcp.example.org"],
    ["with the port that http has anyway", "http://localhost:80", "http://localhost"],
    ["with another port", "https://mcp.example.org:8443", "https://mcp.example.org:8443"],
    ["with a slash at its end", "https://mcp.example.org/", "https://mcp.example.org"],
    ["with slashes at its end", "https://mcp.example.org/auth//", "https://mcp.example.org/auth"],
    ["with all of that", "HTTPS://MCP.Example.ORG:443/Auth/", "https://mcp.example.org/Auth"],
    ["with a name that is not ASCII", "https://mcp.bücher.example", "https://mcp.xn--bcher-kva.example"],
    ["with a path that is not ASCII", "https://mcp.example.org/préfixe", "https://mcp.example.org/pr%C3%A9fixe"],
    ["with a path that goes up", "https://mcp.example.org/a/../b", "https://mcp.example.org/b"],
    ["with a short address", "http://127.1:8000", "http://127.0.0.1:8000"],
    ["with an address of IPv6", "http://[0:0:0:0:0:0:0:1]:8000", "http://[::1]:8000"],
    ["as a URL", new URL("https://MCP.example.org:443/auth/"), "https://mcp.example.org/auth"],
  ])("%s", (_, given, expected) => {
    expect(addresses(given)).toEqual({ baseUrl: expected, issuer: expected, resource: `${expected}/mcp` });
  });
});

describe("a base URL that clients and proxies make different things of is refused, and the message says what it should be", () => {
  it.each([
    ["with a dot behind the host", "https://mcp.example.org./auth", "https://mcp.example.org/auth"],
    ["with a dot behind the host, and a port", "https://mcp.example.org.:8443", "https://mcp.example.org:8443"],
    ["with two slashes in its path", "https://mcp.example.org//auth", "https://mcp.example.org/auth"],
    ["with an encoded slash", "https://mcp.example.org/a%2Fb", "baseUrl"],
    ["with an encoded backslash", "https://mcp.example.org/a%5cb", "baseUrl"],
    ["with an encoded dot", "https://mcp.example.org/a%2eb", "baseUrl"],
    ["with a percent sign that encodes nothing", "https://mcp.example.org/100%", "baseUrl"],
  ])("%s", (_, given, remedy) => {
    expect(() => addresses(given)).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringContaining(remedy) }),
    );
  });
});

it("an issuer of its own stays as it was written: clients know it so", () => {
  const issuerUrl = "https://Auth.Example.org:443/x/";
  expect(configured({ issuerUrl }).issuer).toBe(issuerUrl);
});
