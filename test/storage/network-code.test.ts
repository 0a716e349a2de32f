import { expect, test } from "vitest";
import { isNetworkCode } from "../../src/storage/network-code.ts";

test.each([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_SOCKET",
])("%s says that another machine was not reached", (code) => {
  expect(isNetworkCode(code)).toBe(true);
});

test.each(["", "ENOENT", "ERR_STORAGE_UNAVAILABLE", "CERT_HAS_EXPIRED"])("%j does not", (code) => {
  expect(isNetworkCode(code)).toBe(false);
});
