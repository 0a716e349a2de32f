import { describe, expect, it } from "vitest";
import { z } from "zod";
import { seededRandom } from "../../src/emulator/faults/seeded-random.ts";
import { AccessTokenSchema } from "../../src/records/access-token.ts";
import { parserOf } from "../../src/storage/codecs/own-parser.ts";

const whole = {
  client_id: "c1",
  scopes: ["user", "admin"],
  expires_at: 1_800_000_000,
  resource: "https://mcp.example/mcp",
  subject: "pui_1",
  claims: { tenant: ["a"] },
  grant_id: "sha256-grant",
  wrapped_key: "v2.key",
  redemption: "attempt",
  revoked_at: 1_700_000_000.5,
};
/** Claims alone are left to the schema. */
const withoutClaims = { ...whole, claims: null };
const names = Object.keys(whole);
/** What somebody who can write to the store could put in the place of a member. */
const others: readonly unknown[] = [
  undefined,
  null,
  "",
  "text",
  "https://other.example",
  "http://",
  0,
  -1.5,
  Number.POSITIVE_INFINITY,
  Number.NaN,
  true,
  [],
  ["a"],
  ["a", 1],
  // As text it would be a URL.
  ["https://other.example"],
  [null],
  // biome-ignore lint/suspicious/noSparseArray: a hole is no text either.
  ["a", , "b"],
  {},
  { a: 1 },
  { length: 1, 0: "a" },
  new Date(0),
];

const parse = parserOf(AccessTokenSchema);

/** What is read of a value by the parser for codecs, and by the schema. */
function bothWays(stored: unknown): readonly [unknown, unknown] {
  const outcome = (read: (value: unknown) => unknown): unknown => {
    try {
      return read(structuredClone(stored));
    } catch (failure) {
      return failure instanceof z.ZodError ? failure.issues : failure;
    }
  };
  return [outcome(parse), outcome((value) => AccessTokenSchema.parse(value))];
}

describe("an access token is read at once as its schema reads it", () => {
  it.each<[string, unknown]>([
    ["all there is", whole],
    ["what it has to have", { client_id: "c1", scopes: [] }],
    ["more than it knows", { ...whole, token: "secret", __proto__: { client_id: "c2" } }],
    ["nothing", undefined],
    ["null", null],
    ["a text", "text"],
    ["a list", [whole]],
    ["a list with members", Object.assign([], withoutClaims)],
    ["all but claims", withoutClaims],
  ])("of %s", (_, stored) => {
    const [own, general] = bothWays(stored);
    expect(own).toStrictEqual(general);
  });

  it.each(names)("with anything in the place of %s", (name) => {
    for (const rest of [whole, withoutClaims]) {
      for (const other of others) {
        const [own, general] = bothWays({ ...rest, [name]: other });
        expect(own, String(other)).toStrictEqual(general);
      }
    }
  });

  it("with anything in several places", () => {
    const random = seededRandom(16);
    const some = <Value>(values: readonly Value[]): Value | undefined => values[Math.floor(random() * values.length)];
    for (let count = 0; count < 2_000; count += 1) {
      const changes = Array.from({ length: 1 + Math.floor(random() * 4) }, () => [some(names) ?? "", some(others)]);
      const [own, general] = bothWays({ ...withoutClaims, ...Object.fromEntries(changes) });
      expect(own, JSON.stringify(changes)).toStrictEqual(general);
    }
  });

  it("writes what it reads", () => {
    const { claims: _, ...others } = whole;
    expect(z.encode(AccessTokenSchema, parse(structuredClone(whole)))).toStrictEqual(whole);
    expect(z.encode(AccessTokenSchema, parse(structuredClone(others)))).toStrictEqual(others);
  });
});
