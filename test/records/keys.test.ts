import { hash } from "node:crypto";
import { expect, test } from "vitest";
import {
  accessTokenKey,
  accountSessionKey,
  authorizationCodeKey,
  clientAssertionKey,
  clientKey,
  grantIdOf,
  grantUseKey,
  instanceAnnouncementKey,
  isGrantId,
  recordKey,
  refreshTokenKey,
  serverAnnouncementKey,
  storeAnnouncementKey,
  upstreamRefreshLockKey,
  upstreamSessionKey,
} from "../../src/records/keys.ts";

test.each([
  ["a record of a kind", () => recordKey("lock", "a", "b"), 'lock\0["a","b"]'],
  ["an access token, as in the Python package", () => accessTokenKey("mcp_a"), "mcp_a"],
  ["an authorization code", () => authorizationCodeKey("a"), "authorization code\0a"],
  ["a refresh token", () => refreshTokenKey("a", 2), "refresh token\0a.2"],
  ["a grant", () => grantIdOf("a"), "grant\0a"],
  ["the last use of a grant", () => grantUseKey("a"), 'grant_use\0["a"]'],
  ["the upstream session of a grant", () => upstreamSessionKey("a"), 'upstream_session\0["a"]'],
  ["the lock of an upstream session", () => upstreamRefreshLockKey("a", "b"), 'upstream refresh\0["a","b"]'],
  ["what an instance announces", () => instanceAnnouncementKey("a", "b"), 'key_announcement\0["a","b"]'],
  ["what a server remembers", () => serverAnnouncementKey("a", "b"), 'key_announcement\0["remembered","a","b"]'],
  ["what a store tells", () => storeAnnouncementKey("b"), 'key_announcement\0["b"]'],
  ["an account session", () => accountSessionKey("a"), "account session\0a"],
  ["a client that is a URL", () => clientKey("https://a.example"), "client\0https://a.example"],
  ["an assertion of a client", () => clientAssertionKey("a", "b"), 'client assertion\0["a","b"]'],
])("the key of %s stays what it is, so that an upgrade finds it", (_, key, hashed) => {
  expect(key()).toBe(`sha256-${hash("sha256", hashed, "base64")}`);
});

test.each(["a", "9", "a_b-c.d", "Client.1", "a".repeat(128), "client_to_authn", "a-sha256-b", "a.mcp_b"])(
  "the client id %s is a key as it is",
  (clientId) => {
    expect(clientKey(clientId)).toBe(clientId);
  },
);

test.each(["", "_a", "-a", ".a", "a b", " a", "a\n", "a/b", "a".repeat(129), "sha256-a", "mcp_a", "client_to_authn_a"])(
  "the client id %j is hashed",
  (clientId) => {
    expect(clientKey(clientId)).toBe(`sha256-${hash("sha256", `client\0${clientId}`, "base64")}`);
  },
);

test("a grant's id has the form of one, and nothing else has", () => {
  const id = grantIdOf("a");
  expect(isGrantId(id)).toBe(true);
  for (const other of ["", "a", ` ${id}`, `${id} `, id.slice(0, -1), id.replace("sha256-", "sha256-a"), `a${id}`]) {
    expect(isGrantId(other)).toBe(false);
  }
});
