import { describe, expect, it } from "vitest";
import {
  assertRegistrableRedirectUri,
  assertUsableRedirectUri,
  destinationOf,
  isHarmfulRedirectUri,
  isLoopbackRedirectUri,
  leadsToThisMachine,
  matchesRedirectUri,
  withoutLoopbackPort,
} from "../../../src/provider/oauth/redirect-uri.ts";

describe("a redirect URI that a client registers", () => {
  it.each([
    "https://app.example/callback",
    "https://app.example:8443/callback?tenant=1",
    "http://localhost/callback",
    "http://127.0.0.1:3000/",
    "http://[::1]:3000/callback",
    "cursor://anysphere.cursor-retrieval/oauth/user-pangea/callback",
    "com.example.app:/oauth",
    "com.example.https:/oauth",
    "com.example.app://host./callback",
    "https://app.example/.well-known/callback",
    "https://app.example/callback./done",
    "https://app.example/callback?next=/../other",
    "https://app.example/callback?next=x://ada@other.example",
  ])("may be %s", (uri) => {
    expect(() => assertRegistrableRedirectUri(uri)).not.toThrow();
  });

  it.each([
    ["javascript:alert(1)", "a script"],
    ["JavaScript:alert(1)", "a script in other case"],
    ["data:text/html,hi", "a data URL"],
    ["vbscript:msgbox", "a script"],
    ["file:///etc/passwd", "a file"],
    ["http://app.example/callback", "plain http off the machine"],
    ["http://localhost.evil.example/callback", "a host that only begins with localhost"],
    ["http://127.0.0.1.evil.example/callback", "a host that only begins with the literal"],
    ["evil://callback", "a scheme that is nobody's"],
    ["http:localhost:3000/callback", "no slashes after the scheme"],
    ["https:/app.example/callback", "one slash after the scheme"],
    ["https:///app.example/callback", "three slashes after the scheme"],
    ["https://app.example/callback#fragment", "a fragment"],
    ["https://app.example/callback#", "an empty fragment"],
    ["https://user:secret@app.example/callback", "user information"],
    ["https://app.example@evil.example/", "a host in disguise"],
    ["https://@evil.example/", "empty user information"],
    ["https://:@evil.example/", "an empty user and an empty password"],
    ["https:/app.example/?next=https://app.example/", "one slash after the scheme, and two later"],
    ["https://app.example/..?x=1", "path traversal before a query"],
    ["com.example.app:../x", "path traversal at once"],
    ["com.example.app://../x", "path traversal in the place of the host"],
    ["com.example.app://%2e%2e/x", "encoded path traversal in the place of the host"],
    ["com.example.app://.", "a dot in the place of the host"],
    ["https://../x", "dots for a host"],
    ["https://app.example/a/../b", "path traversal"],
    ["https://app.example/a/%2e%2e/b", "encoded path traversal"],
    ["https://app.example./callback", "a trailing dot"],
    ["https://app.example\\@evil.example/", "a backslash"],
    ["https://app.example/call back", "a space"],
    ["https://app.example/*", "a wildcard"],
    ["https://äpp.example/callback", "an internationalised host as such"],
    ["https://app.example/\r\nset-cookie:x", "a line break"],
    ["/callback", "a relative reference"],
    ["", "nothing"],
    [`https://app.example/${"a".repeat(1100)}`, "1,100 characters"],
  ])("must not be %j: %s", (uri) => {
    expect(() => assertRegistrableRedirectUri(uri)).toThrow(expect.objectContaining({ error: "invalid_redirect_uri" }));
  });
});

describe("a requested redirect URI", () => {
  const registered = [
    "https://app.example/callback",
    "http://localhost/cb",
    "http://127.0.0.1:3000/cb",
    "http://[::1]/cb",
  ];
  const matches = (requested: string): boolean => matchesRedirectUri(registered, requested, false);

  it("is compared to the letter", () => {
    expect(matches("https://app.example/callback")).toBe(true);
    for (const other of [
      "https://app.example/callback/",
      "https://app.example/Callback",
      "https://APP.example/callback",
      "https://app.example:443/callback",
      "https://app.example/callback?x=1",
      "https://app.example/call%62ack",
      "https://app.example/x/../callback",
      "https://app.example.evil.example/callback",
      "https://app.example@evil.example/callback",
      "http://app.example/callback",
    ]) {
      expect(matches(other), other).toBe(false);
    }
  });

  it("may have any port on a loopback host", () => {
    expect(matches("http://localhost:51234/cb")).toBe(true);
    expect(matches("http://127.0.0.1:51234/cb")).toBe(true);
    expect(matches("http://127.0.0.1/cb")).toBe(true);
    expect(matches("http://[::1]:51234/cb")).toBe(true);
    expect(matches("http://localhost:65535/cb")).toBe(true);
    expect(matches("http://localhost:65536/cb")).toBe(false);
    expect(matchesRedirectUri(["http://localhost"], "http://localhost:1/", false)).toBe(true);
    expect(matchesRedirectUri(["http://localhost/"], "http://localhost:1", false)).toBe(true);
  });

  it("does not move between loopback hosts, paths or schemes with its port", () => {
    expect(matchesRedirectUri(["http://localhost/cb"], "http://127.0.0.1/cb", false)).toBe(false);
    expect(matchesRedirectUri(["http://127.0.0.1/cb"], "http://[::1]/cb", false)).toBe(false);
    expect(matches("http://localhost:51234/other")).toBe(false);
    expect(matches("https://localhost:51234/cb")).toBe(false);
    expect(matches("http://localhost:99999/cb")).toBe(false);
    expect(matches("http://localhost:1@evil.example/cb")).toBe(false);
    expect(matches("http://localhost:51234/cb#fragment")).toBe(false);
  });

  it("is compared as a URL where the stored one went through a URL parser", () => {
    expect(matchesRedirectUri(["https://app.example/"], "https://APP.example:443", true)).toBe(true);
    expect(matchesRedirectUri(["https://app.example/"], "https://APP.example:443", false)).toBe(false);
    for (const other of [
      "https://evil.example/",
      "https://app.example/callback",
      "https://app.example/?",
      "https://app.example:8443/",
      "http://app.example/",
      "https://user@app.example/",
      "https://app.example/#",
      "https://app.example/a/..",
      "https://app.example\\",
      "https://app.exa\tmple/",
      "nowhere",
    ]) {
      expect(matchesRedirectUri(["https://app.example/"], other, true), other).toBe(false);
    }
    expect(matchesRedirectUri(["https://app.example/b"], "https://app.example/a/../b", true)).toBe(false);
    // Two texts that are no URLs are not the same URL.
    expect(matchesRedirectUri(["somewhere"], "nowhere", true)).toBe(false);
  });
});

it("tells redirect URIs that stay on the machine", () => {
  expect(isLoopbackRedirectUri("http://localhost:1/cb")).toBe(true);
  expect(isLoopbackRedirectUri("http://localhost:1")).toBe(true);
  expect(isLoopbackRedirectUri("xhttp://localhost/cb")).toBe(false);
  expect(isLoopbackRedirectUri("http://localhost.example/cb")).toBe(false);
  expect(isLoopbackRedirectUri("https://app.example/cb")).toBe(false);
});

it("a redirect URI may have 1,024 characters", () => {
  const ofLength = (length: number) => `https://app.example/${"a".repeat(length - 20)}`;
  expect(() => assertRegistrableRedirectUri(ofLength(1024))).not.toThrow();
  expect(() => assertRegistrableRedirectUri(ofLength(1025))).toThrow();
});

it.each(
  "about blob chrome data file filesystem ftp intent javascript mailto resource sms tel urn vbscript view-source ws wss".split(
    " ",
  ),
)("a redirect URI has not the scheme %s", (scheme) => {
  const refusal = expect.objectContaining({ error: "invalid_redirect_uri" });
  expect(() => assertRegistrableRedirectUri(`${scheme}:x`)).toThrow(refusal);
  expect(() => assertRegistrableRedirectUri(`${scheme}:x`, [scheme])).toThrow(refusal);
  expect(() => assertUsableRedirectUri(`${scheme}:x`)).toThrow(refusal);
  expect(isHarmfulRedirectUri(`${scheme}:x`)).toBe(true);
  expect(() => assertRegistrableRedirectUri(`${scheme}.app:x`)).not.toThrow();
});

it.each([
  "http://localhost/cb",
  "https://localhost:3000/cb",
  "http://evil.localhost/cb",
  "http://127.0.0.1/cb",
  "https://127.8.9.10/cb",
  "http://2130706433/cb",
  "http://0.0.0.0/cb",
  "http://[::1]/cb",
  "http://[::]/cb",
  "http://[::ffff:127.0.0.1]/cb",
  "http://[::ffff:127.255.0.1]/cb",
  "http://[::ffff:127.0.1.1]/cb",
  "http://[::ffff:0.0.0.0]/cb",
])("%s leads to the user's own machine", (uri) => {
  expect(leadsToThisMachine(uri)).toBe(true);
});

it.each([
  "https://app.example/localhost",
  "https://localhost.example/cb",
  "https://mylocalhost/cb",
  "https://my.localhost.example/cb",
  "https://10.0.0.0/cb",
  "https://0.0.0.0.example/cb",
  "https://[::2]/cb",
  "https://[2001:db8::1]/cb",
  "https://[2001:db8::]/cb",
  "https://[::ffff:10.0.0.1]/cb",
  "https://[::ffff:0.0.0.1]/cb",
  "com.example.app://localhost/cb",
])("%s does not lead to the user's own machine", (uri) => {
  expect(leadsToThisMachine(uri)).toBe(false);
});

it.each(["https://app.example/cb", "http://localhost/cb", "com.example.app:/cb", "nobodys:/cb"])(
  "%s leads to no more than a callback",
  (uri) => {
    expect(isHarmfulRedirectUri(uri)).toBe(false);
    expect(() => assertUsableRedirectUri(uri)).not.toThrow();
  },
);

it.each([
  ["http://localhost:51234/cb?x=1", "http://localhost/cb?x=1"],
  ["http://127.0.0.1:3000", "http://127.0.0.1"],
  ["http://[::1]:65535/", "http://[::1]/"],
  ["http://localhost?x", "http://localhost?x"],
  ["http://localhost:123456/cb", "http://localhost:123456/cb"],
  ["https://localhost:51234/cb", "https://localhost:51234/cb"],
  ["https://app.example:8443/cb", "https://app.example:8443/cb"],
  ["http://localhost:51234/cb#x", "http://localhost:51234/cb#x"],
])("%s is %s without the port that does not count", (uri, without) => {
  expect(withoutLoopbackPort(uri)).toBe(without);
});

it.each([
  ["https://app.example/cb", "app.example"],
  ["https://app.example:8443/cb", "app.example:8443"],
  ["http://localhost:3000/cb", "localhost:3000"],
  ["cursor://anysphere.cursor-mcp/oauth/callback", "cursor (an application)"],
  ["com.example.app:/cb", "com.example.app (an application)"],
])("%s leads to %s", (uri, destination) => {
  expect(destinationOf(uri)).toBe(destination);
});
