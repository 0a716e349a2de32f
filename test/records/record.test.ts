import { describe, expect, it } from "vitest";
import { z } from "zod";
import { number, optional, record, text, texts, url } from "../../src/records/record.ts";

interface Session {
  readonly userId: string;
  readonly expiresAt: number;
  readonly roles: readonly string[];
  readonly returnTo?: URL;
  readonly startedBy?: { readonly clientId: string };
}

const startedBy = record<{ readonly clientId: string }>({ clientId: text });
const SessionSchema = record<Session>({
  userId: text,
  expiresAt: number,
  roles: texts,
  returnTo: optional(url),
  startedBy: optional(startedBy),
});

const whole = {
  userId: "ada",
  expiresAt: 1.5,
  roles: ["admin"],
  returnTo: new URL("com.example.app:/home"),
  startedBy: { clientId: "c1" },
};
const stored = {
  user_id: "ada",
  expires_at: 1.5,
  roles: ["admin"],
  return_to: "com.example.app:/home",
  started_by: { client_id: "c1" },
};

describe("a record", () => {
  it("is stored under names in snake case, records within it too, and comes back", () => {
    expect(z.encode(SessionSchema, whole)).toStrictEqual(stored);
    expect(z.decode(SessionSchema, stored)).toStrictEqual(whole);
  });

  it("has no member for what is absent, null or unknown", () => {
    const bare = { userId: "ada", expiresAt: 1, roles: [] };
    const bareStored = { user_id: "ada", expires_at: 1, roles: [] };
    expect(z.encode(SessionSchema, bare)).toStrictEqual(bareStored);
    expect(z.decode(SessionSchema, { ...bareStored, return_to: null, started_by: null })).toStrictEqual(bare);
    expect(SessionSchema.parse({ ...bareStored, userId: "eve", colour: "red" })).toStrictEqual(bare);
  });

  it.each([
    undefined,
    null,
    "text",
    [],
    {},
    { ...stored, user_id: null },
    { ...stored, expires_at: "1" },
    { ...stored, roles: [1] },
    { ...stored, return_to: "/home" },
    { ...stored, started_by: { clientId: "c1" } },
  ])("is not read from %j", (wrong) => {
    expect(SessionSchema.safeParse(wrong).success).toBe(false);
  });

  it.each([
    undefined,
    null,
    "text",
    {},
    { ...whole, userId: undefined },
    { ...whole, expiresAt: "1" },
    { ...whole, returnTo: "com.example.app:/home" },
    { ...whole, startedBy: {} },
  ])("is not written from %j", (wrong) => {
    const untyped: z.ZodType<unknown> = SessionSchema;
    expect(z.safeEncode(untyped, wrong).success).toBe(false);
  });

  it("that misses, misspells or mistypes a member does not compile", () => {
    interface Visit {
      readonly userId: string;
      readonly returnTo?: URL;
    }
    const written = [
      // @ts-expect-error: Property 'returnTo' is missing
      record<Visit>({ userId: text }),
      // @ts-expect-error: 'userID' does not exist in type 'Members<Visit>'. Did you mean to write 'userId'?
      record<Visit>({ userID: text, returnTo: optional(url) }),
      // @ts-expect-error: Type 'number' is not assignable to type 'string'
      record<Visit>({ userId: number, returnTo: optional(url) }),
      // @ts-expect-error: Type 'string' is not assignable to type 'URL'
      record<Visit>({ userId: text, returnTo: optional(text) }),
      // @ts-expect-error: an optional member must be optional here too
      record<Visit>({ userId: text, returnTo: url }),
      // @ts-expect-error: a required member must not be optional here
      record<Visit>({ userId: optional(text), returnTo: optional(url) }),
      // @ts-expect-error: Type 'null' is not assignable to type 'string'
      record<Visit>({ userId: text.nullable(), returnTo: optional(url) }),
    ];
    const right: z.input<typeof SessionSchema> = { ...stored, return_to: null };
    // @ts-expect-error: the stored form has the stored names
    const wrong: z.input<typeof SessionSchema> = { ...stored, user_id: undefined, userId: "ada" };
    expect([...written, right, wrong]).toHaveLength(9);
  });
});
