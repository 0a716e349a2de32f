import fc from "fast-check";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { clusterKeySlot } from "../../../src/storage/redis/cluster-key-slot.ts";
import { usedClient } from "../../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { setUp } from "../../support/set-up.ts";

test.each([
  // The check value of CRC-16/XMODEM.
  ["123456789", 0x31c3],
  ["foo", 12_182],
  ["{foo}bar", 12_182],
  ["a}foo", 10_216],
  ["", 0],
])("the slot of %j is %i", (key, slot) => {
  expect(clusterKeySlot(key)).toBe(slot);
});

describe("the slot of a key", () => {
  let server: RedisServer;
  let redis: Redis;
  setUp("file", async (parts) => {
    server = parts.use(await startRedisServer(["--cluster-enabled", "yes"]));
    redis = parts.use(usedClient(new Redis(server.port, server.host)));
  });

  test.each([
    "",
    "a",
    "{",
    "}",
    "{}",
    "{}x",
    "a{b}c",
    "{b}",
    "{{b}}",
    "}{b}",
    "a}b",
    "a{b{c}d}e",
    "ключ{й}",
    "🔑{🗝}",
    "a\0b\n",
  ])("is what Redis says for %j", async (key) => {
    expect(clusterKeySlot(key)).toBe(await redis.cluster("KEYSLOT", key));
  });

  test("is what Redis says for any well-formed key, braces above all", async () => {
    const piece = fc.oneof(fc.constantFrom("{", "}", ":"), fc.string({ unit: "binary", maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
        const key = pieces.join("");
        expect(clusterKeySlot(key)).toBe(await redis.cluster("KEYSLOT", key));
      }),
      { seed: 20_240_601, numRuns: 500 },
    );
  });
});
