import { describe, expect, it } from "vitest";
import type { McpOAuthProviderOptions } from "../../../src/index.ts";
import { configure } from "../../../src/provider/configuration/configuration.ts";
import { configured } from "../../support/configured.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";

/** An upstream with something else in place of what it has. */
const another = (changes: { readonly id?: string; readonly name?: string; readonly issuer?: string } = {}) =>
  Object.assign(new FakeUpstream(Date.now, "blue"), changes);

/** The configuration of a server with the upstream `red` and another one. */
function withTwo(blue: FakeUpstream, options: Partial<McpOAuthProviderOptions> = {}) {
  const upstreams = [new FakeUpstream(Date.now, "red"), blue];
  const secret = "a secret of this test, which is long enough";
  return configure(
    { baseUrl: "https://mcp.example", scopes: ["user"], secret, logger: false, upstreams, ...options },
    {},
  );
}

describe("two upstreams that people or servers could not tell apart are refused", () => {
  it.each([
    ["an id", { id: "red" }],
    ["a name in another case", { name: "RED login" }],
    ["a name with more spaces in it", { name: "Red  Login" }],
    ["a name with another kind of space", { name: "Red\u00a0Login" }],
    ["a name in wide letters", { name: "Ｒｅｄ Login" }],
    ["an issuer with a slash", { issuer: "https://login.red.example/" }],
    ["an issuer with the port that https has anyway", { issuer: "https://login.red.example:443" }],
    ["an issuer in another case", { issuer: "HTTPS://Login.Red.Example" }],
  ])("%s", (_, changes) => {
    expect(() => withTwo(another(changes))).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringContaining("Two of upstreams") }),
    );
  });

  it("others are not", () => {
    expect(withTwo(another({ issuer: "https://login.red.example:8443" })).upstreams.all).toHaveLength(2);
    expect(withTwo(another({ name: "Red Login 2" })).upstreams.all).toHaveLength(2);
  });
});

it.each([
  ["a space behind it", "Red Login "],
  ["a space of no width", "Red\u200b Login"],
  ["a mark that turns the text round", "Blue\u202egniK"],
  ["a line break", "Blue\nLogin"],
  ["a control character", "Blue\u0007"],
  ["an unseen filler", "Blue\u3164Login"],
  ["half a character", "Blue\ud800"],
  ["far too many characters", "x".repeat(101)],
])("a name that is not what people see is refused: %s", (_, name) => {
  for (const configure of [() => withTwo(another({ name })), () => configured({ upstream: another({ name }) })]) {
    expect(configure).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringContaining(".name") }),
    );
  }
});

it.each(["Anmeldung für Acme", "アクメ", "Acme & Söhne (Büro 2)", "שלום"])(
  "a name in any script is taken: %s",
  (name) => {
    expect(configured({ upstream: another({ name }) }).upstreams.only?.name).toBe(name);
  },
);

it("a server is no upstream of its own, in whatever way its address is written", () => {
  for (const issuer of ["https://mcp.example", "https://mcp.example:443/", "https://MCP.example"]) {
    expect(() => configured({ upstream: another({ issuer }) })).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringContaining("this server's own") }),
    );
  }
});

describe("emailDomains", () => {
  it.each([
    ["a domain in two cases", { "Example.org": "red", "example.org": "blue" }, "twice"],
    ["a domain in two forms", { "bücher.example": "red", "xn--bcher-kva.example": "blue" }, "twice"],
    ["a pattern", { "*.example.org": "red" }, "example.org"],
    ["a dot in front", { ".example.org": "red" }, "example.org"],
    ["a dot behind", { "example.org.": "red" }, "write example.org"],
    ["two domains in one", { "a.org,b.org": "red" }, "a.org, b.org"],
    ["an address", { "ada@example.org": "red" }, "write example.org"],
    ["an upstream that there is not", { "example.org": "rde" }, "red"],
  ])("refuses %s", (_, emailDomains, said) => {
    expect(() => withTwo(another(), { emailDomains })).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringContaining(said) }),
    );
  });

  it("finds a domain in any form", () => {
    const { upstreams } = withTwo(another(), { emailDomains: { "Bücher.Example": "red" } });
    for (const loginHint of ["ada@bücher.example", "ada@XN--BCHER-KVA.example", "ada@BÜCHER.EXAMPLE"]) {
      expect(upstreams.hinted({ loginHint })?.id).toBe("red");
    }
    for (const loginHint of ["bücher.example", "@bücher.example", "ada@bucher.example", "ada@x.bücher.example"]) {
      expect(upstreams.hinted({ loginHint })).toBeUndefined();
    }
  });
});

it.each([["no URL"], ["http://login.example"], ["https://login.example/?a=b"], [5], [""]])(
  "formerIssuer may not be %j",
  (formerIssuer) => {
    expect(() => configured(JSON.parse(JSON.stringify({ formerIssuer })))).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringContaining("formerIssuer") }),
    );
  },
);
