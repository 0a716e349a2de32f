import type { Equivalent } from "../equivalent.ts";

const aMessage = "It is a word of a message.";
const inDoubt =
  "The parser that reads at once is in doubt then, and the schema reads the record as it would have: that only costs time.";

/** In `src/records`. */
export const records: readonly Equivalent[] = [
  // The parser that reads access tokens at once.
  { file: "records/access-token.ts", code: "{ if (!isObject(stored)) return undefined; …", to: "{}", why: inDoubt },
  { file: "records/access-token.ts", code: "!isObject(stored)", to: "true", why: inDoubt },
  {
    file: "records/access-token.ts",
    code: 'typeof client_id !== "string" || !areTexts(scopes) || isPresent(claims)',
    to: "true",
    why: inDoubt,
  },
  { file: "records/access-token.ts", code: '"string"', to: '""', why: inDoubt },
  { file: "records/access-token.ts", code: "isPresent(expires_at)", to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: "!isNumber(expires_at)", to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: "isPresent(resource)", to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: 'typeof resource === "string"', to: "false", why: inDoubt },
  { file: "records/access-token.ts", code: "parsed === undefined", to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: "isPresent(subject)", to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: 'typeof subject !== "string"', to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: "isPresent(grant_id)", to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: 'typeof grant_id !== "string"', to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: "isPresent(wrapped_key)", to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: 'typeof wrapped_key !== "string"', to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: "isPresent(redemption)", to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: 'typeof redemption !== "string"', to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: "isPresent(revoked_at)", to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: "!isNumber(revoked_at)", to: "true", why: inDoubt },
  {
    file: "records/access-token.ts",
    code: '{ return typeof value === "object" && value !== null && !Array.isArray(value); }',
    to: "{}",
    why: inDoubt,
  },
  {
    file: "records/access-token.ts",
    code: 'typeof value === "object" && value !== null && !Array.isArray(value)',
    to: "false",
    why: inDoubt,
  },
  { file: "records/access-token.ts", code: '"object"', to: '""', why: inDoubt },
  { file: "records/access-token.ts", code: "value !== null && value !== undefined", to: "true", why: inDoubt },
  {
    file: "records/access-token.ts",
    code: "value !== null && value !== undefined",
    to: "value !== null || value !== undefined",
    why: inDoubt,
  },
  { file: "records/access-token.ts", code: "value !== null", to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: "value !== undefined", to: "true", why: inDoubt },
  {
    file: "records/access-token.ts",
    code: '{ return typeof value === "number" && Number.isFinite(value); }',
    to: "{}",
    why: inDoubt,
  },
  {
    file: "records/access-token.ts",
    code: 'typeof value === "number" && Number.isFinite(value)',
    to: "false",
    why: inDoubt,
  },
  { file: "records/access-token.ts", code: 'typeof value === "number"', to: 'typeof value !== "number"', why: inDoubt },
  { file: "records/access-token.ts", code: '"number"', to: '""', why: inDoubt },
  { file: "records/access-token.ts", code: "{ if (!Array.isArray(value)) return false; …", to: "{}", why: inDoubt },
  { file: "records/access-token.ts", code: "!Array.isArray(value)", to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: "index < value.length", to: "index <= value.length", why: inDoubt },
  { file: "records/access-token.ts", code: "index += 1", to: "index -= 1", why: inDoubt },
  { file: "records/access-token.ts", code: 'typeof value[index] !== "string"', to: "true", why: inDoubt },
  { file: "records/access-token.ts", code: "true", to: "false", why: inDoubt },
  {
    file: "records/access-token.ts",
    code: "{ try { return new URL(href); } catch { return undefined; } }",
    to: "{}",
    why: inDoubt,
  },
  { file: "records/access-token.ts", code: "{ return new URL(href); }", to: "{}", why: inDoubt },
  {
    file: "records/access-token.ts",
    code: 'typeof value === "number"',
    to: "true",
    why: "`Number.isFinite` is false for all that is no number; the compiler asks for the check.",
  },
  {
    file: "records/access-token.ts",
    code: "{ return undefined; }",
    to: "{}",
    why: "It is what a function answers that ends.",
  },

  // Who makes repositories.
  { file: "records/repositories.ts", code: '"repositories"', why: aMessage },
  { file: "records/repositories.ts", code: '"createInMemoryRepositories"', why: aMessage },
];
