import { createHmac as createHmacOfNode, randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { createHmac, keepKey } from "../../src/secrets/hmac.ts";

it.each(["sha256", "sha512"] as const)(
  "an HMAC with %s is that of Node.js, whether the key is kept or not",
  (algorithm) => {
    for (const length of [1, 32, 64, 200]) {
      const key = new Uint8Array(randomBytes(length));
      const expected = createHmacOfNode(algorithm, key).update("text").digest("hex");
      expect(createHmac(algorithm, key).update("text").digest("hex")).toBe(expected);
      expect(keepKey(key)).toBe(key);
      expect(createHmac(algorithm, key).update("text").digest("hex")).toBe(expected);
    }
  },
);

it("a kept key is that of its own bytes alone", () => {
  const kept = keepKey(new Uint8Array(32).fill(1));
  const other = new Uint8Array(32).fill(2);
  const mac = (key: Uint8Array): string => createHmac("sha256", key).update("text").digest("hex");
  expect(mac(other)).not.toBe(mac(kept));
  expect(mac(new Uint8Array(kept))).toBe(mac(kept));
});
