import { describe, expect, it } from "vitest";
import { asciiDomain, requireDomain } from "../../../src/provider/upstream/email-domain.ts";

describe("a domain of e-mail addresses", () => {
  it.each([
    ["example.org", "example.org"],
    ["Example.ORG", "example.org"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["BÜCHER.example", "xn--bcher-kva.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["ＥＸＡＭＰＬＥ.org", "example.org"],
    ["a.b.c.example", "a.b.c.example"],
    ["under_score.example", "under_score.example"],
  ])("%s is %s", (text, domain) => {
    expect(asciiDomain(text)).toBe(domain);
    expect(requireDomain("it", text)).toBe(domain);
  });

  it.each([
    ["*.example.org", "such as example.org"],
    [".example.org", "such as example.org"],
    ["example.org.", "write example.org"],
    ["a.org,b.org", "a.org, b.org"],
    ["a.org b.org", "a.org, b.org"],
    ["ada@example.org", "write example.org"],
    ["@example.org", "write example.org"],
    ["localhost", "such as example.org"],
    ["https://example.org/", "write example.org"],
    ["example.org/path", "such as example.org"],
    ["a..b", "such as example.org"],
    ["-a.example", "such as example.org"],
    ["127.0.0.1", "such as example.org"],
    ["ex\u200bample.org", "such as example.org"],
    [`${"a".repeat(250)}.org`, "such as example.org"],
    ["*.*", "there are no patterns"],
    ["", "missing"],
  ])("%j is none, and the message says what may have been meant", (text, said) => {
    expect(asciiDomain(text)).toBeUndefined();
    expect(() => requireDomain("it", text)).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringContaining(said) }),
    );
  });

  it("costs in proportion to its length", () => {
    for (const text of [".", "a.", "-", "a-", "@", " ", ",", "xn--", "é"]) {
      const before = process.cpuUsage();
      expect(asciiDomain(text.repeat(50_000))).toBeUndefined();
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1000, text).toBeLessThan(200);
    }
  });
});
