import { describe, expect, it } from "vitest";
import { ConfigurationError } from "../../../src/errors.ts";
import { parseAllowedDomains } from "../../../src/provider/client-documents/allowed-domains.ts";
import { setUp } from "../../support/set-up.ts";
import { ClientSite, clientId } from "./client-site.ts";

describe("a list of trusted domains", () => {
  it.each([
    ["client.example", "client.example", true],
    ["CLIENT.example", "client.example", true],
    ["bücher.example", "xn--bcher-kva.example", true],
    ["client.example", "a.client.example", false],
    ["client.example", "notclient.example", false],
    ["client.example", "client.example.evil.example", false],
    ["*.client.example", "a.client.example", true],
    ["*.client.example", "b.a.client.example", true],
    ["*.client.example", "client.example", false],
    ["*.client.example", "notclient.example", false],
    ["*.client.example", "a.client.example.evil.example", false],
  ])("with %s, asked about %s: %s", (domain, hostname, allowed) => {
    expect(parseAllowedDomains([domain])(hostname)).toBe(allowed);
  });

  it("that is empty, and so trusts nobody, is a mistake", () => {
    expect(() => parseAllowedDomains([])).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  });

  it.each([
    "",
    "*",
    "*.",
    "https://client.example",
    "client.example/",
    "client.example:443",
    "a.*.example",
    "client.example.",
  ])("cannot have %j", (domain) => {
    expect(() => parseAllowedDomains([domain])).toThrow(ConfigurationError);
  });
});

describe("a client whose domain is not trusted", () => {
  let site: ClientSite;
  setUp("test", async (parts) => {
    site = parts.use(await ClientSite.open());
  });

  it("is refused before its name is looked up", async () => {
    const documents = site.documents({ allowedDomains: ["other.example", "*.client.example"] });
    await expect(documents.find(clientId)).rejects.toMatchObject({ error: "invalid_client" });
    expect(site.lookups).toHaveLength(0);
  });

  it("is not refused where the list has it", async () => {
    expect(await site.documents({ allowedDomains: ["client.example"] }).find(clientId)).toBeDefined();
  });
});
