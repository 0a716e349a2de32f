import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AccessTokenSchema, CorruptRecordError, InvalidRecordError, jsonCodec, tokenKey } from "../../../src/index.ts";

const location = { repository: "test", key: "secret-key" };
const codec = jsonCodec(z.object({ name: z.string(), claims: z.record(z.string(), z.unknown()).optional() }));

function failureOf(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("it did not fail");
}

describe("jsonCodec", () => {
  it("drops what the schema does not know", () => {
    expect(codec.decode('{"name":"Ada","extra":1}', location)).toEqual({ name: "Ada" });
  });

  it.each([
    ["no JSON", "confidential"],
    ["nothing", ""],
    ["another type", '{"name":1}'],
    ["a member that is missing", "{}"],
    ["20,000 levels", `{"name":"x","claims":{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`.replace('"x"', "1")],
    ["an own __proto__", '{"name":"x","claims":{"__proto__":{"confidential":1}}}'],
    ["an own __proto__ in escapes", '{"name":"x","claims":{"\\u005f\\u005fproto\\u005f_":{"confidential":1}}}'],
    ["an own __proto__ in an array", '{"name":"x","claims":{"a":[{"__proto__":1}]}}'],
  ])("refuses %s with one error that names the key's hash and no content", (_, text) => {
    const error = failureOf(() => codec.decode(text, location));
    expect(error).toBeInstanceOf(CorruptRecordError);
    expect(error.message).toContain(tokenKey("secret-key"));
    expect(`${error.message}${error.stack}${String(error.cause)}`).not.toMatch(/confidential|"secret-key"/);
  });

  it("reads __proto__ in a value, which is harmless", () => {
    expect(codec.decode('{"name":"__proto__"}', location)).toEqual({ name: "__proto__" });
  });

  it("refuses a text that is too long before it parses it", () => {
    const short = jsonCodec(z.string(), { maxLength: 10 });
    expect(() => short.decode('"12345678"', location)).not.toThrow();
    expect(() => short.decode('"123456789"', location)).toThrow(CorruptRecordError);
  });

  it("refuses to write a value that the schema refuses", () => {
    const wrong: unknown = { name: 1 };
    expect(() => jsonCodec<unknown>(z.object({ name: z.string() })).encode(wrong, location)).toThrow(
      InvalidRecordError,
    );
    expect(() => jsonCodec<unknown>(z.unknown()).encode(undefined, location)).toThrow(InvalidRecordError);
    expect(() => jsonCodec<unknown>(z.unknown()).encode(1n, location)).toThrow(InvalidRecordError);
  });

  it("answers any text at all with a record or a CorruptRecordError", () => {
    const accessToken = jsonCodec(AccessTokenSchema);
    const structured = fc.record(
      {
        client_id: fc.oneof(fc.string(), fc.jsonValue()),
        scopes: fc.oneof(fc.array(fc.string()), fc.jsonValue()),
        expires_at: fc.oneof(fc.double(), fc.jsonValue()),
        resource: fc.oneof(fc.webUrl(), fc.string()),
        claims: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          structured.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          try {
            accessToken.decode(text, location);
          } catch (error) {
            expect(error).toBeInstanceOf(CorruptRecordError);
          }
        },
      ),
      { seed: 20_261, numRuns: 3000 },
    );
  });

  it("gives back every access token that it wrote", () => {
    const accessToken = jsonCodec(AccessTokenSchema);
    const tokens = fc.record(
      {
        clientId: fc.string(),
        scopes: fc.array(fc.string()),
        expiresAt: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
        resource: fc.webUrl().map((text) => new URL(text)),
        subject: fc.string(),
        grantId: fc.string(),
      },
      { requiredKeys: ["clientId", "scopes"] },
    );
    fc.assert(
      fc.property(tokens, (token) => {
        expect(accessToken.decode(accessToken.encode(token, location), location)).toEqual(token);
      }),
      { seed: 20_262, numRuns: 1000 },
    );
  });
});
