import type { Equivalent } from "../equivalent.ts";

const words = "It decides about words of a message only, which are for people. The error is the same.";

/** In `src/provider/clients`. */
export const clients: readonly Equivalent[] = [
  { file: "provider/clients/client-assertions.ts", code: '"must be for one audience, this server"', why: words },
  { file: "provider/clients/client-assertions.ts", code: "`must have an exp within …", why: words },
  { file: "provider/clients/client-assertions.ts", code: '"must have a jti of 1 to 256 characters"', why: words },
  { file: "provider/clients/client-assertions.ts", code: '"was used before"', why: words },
  {
    file: "provider/clients/client-assertions.ts",
    code: "exp === undefined",
    to: "false",
    why: "An assertion without an end was refused before, with the same error; the compiler asks for it.",
  },
  {
    file: "provider/clients/client-assertions.ts",
    code: "true",
    to: "false",
    why: "Only whether there is a value is asked, and nobody reads it.",
  },
  {
    file: "provider/clients/assertion-signature.ts",
    code: '["exp", "jti"]',
    to: "[]",
    why: "Both claims are asked for once more when the signature has been verified, with the same error.",
  },
  {
    file: "provider/clients/assertion-signature.ts",
    code: "failure instanceof errors.JWTExpired",
    to: "false",
    why: words,
  },
  {
    file: "provider/clients/assertion-signature.ts",
    code: "failure instanceof errors.JWTClaimValidationFailed",
    to: "false",
    why: words,
  },
  { file: "provider/clients/assertion-signature.ts", code: '"has expired"', why: words },
  { file: "provider/clients/assertion-signature.ts", code: "`has a wrong …", why: words },
  { file: "provider/clients/assertion-signature.ts", code: "`cannot be verified …", why: words },
  { file: "provider/clients/assertion-signature.ts", code: `"cannot be verified with the client's keys"`, why: words },
  {
    file: "provider/clients/client-ids.ts",
    code: "/^(.{8})(.{4})(.{4})(.{4})/",
    to: "/(.{8})(.{4})(.{4})(.{4})/",
    why: "The first place where it matches is the beginning, and one place is replaced.",
  },
  {
    file: "provider/clients/client-presentation.ts",
    code: "/[\\p{C}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\u2800]+/gu",
    to: "/[\\p{C}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\u2800]/gu",
    why: "A space for each of several characters becomes one space next, where white space is drawn together.",
  },
  {
    file: "provider/clients/registrations.ts",
    code: "expiresAt !== undefined",
    to: "true",
    why: "A comparison with a time that is not there is false anyway; the compiler asks for it.",
  },
  {
    file: "provider/clients/registrations.ts",
    code: "registeredUntil !== undefined",
    to: "true",
    why: "A comparison with a time that is not there is false anyway; the compiler asks for it.",
  },
  {
    file: "provider/clients/registrations.ts",
    code: "until !== undefined",
    to: "true",
    why: "A comparison with a time that is not there is false anyway; the compiler asks for it.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: '""',
    to: '"Stryker was here!"',
    why: "It stands in place of a part that is not there. No id, secret, hash or payload is either text, so all of them are refused alike.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "Behind `basicPair` it is a list whose first member nobody reads. In the list of secrets it is one more that has no hash of a client's.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: "header === null",
    to: "false",
    why: "The pattern does not match the text “null”, which is what it would look at; the compiler asks for it.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: "id === undefined || password === undefined",
    to: "false",
    why: "What is not there is no text that stands for nothing, which is asked next; the compiler asks for it.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: "id === undefined || password === undefined",
    to: "id === undefined && password === undefined",
    why: "Both are there or neither is.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: "id === undefined",
    to: "false",
    why: "What is not there is no text that stands for nothing, which is asked next; the compiler asks for it.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: "password === undefined",
    to: "false",
    why: "What is not there is no text that stands for nothing, which is asked next; the compiler asks for it.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: "/^([^:]*):(.*)$/s",
    to: "/([^:]*):(.*)$/s",
    why: "The first place where it matches is the beginning.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: "/^([^:]*):(.*)$/s",
    to: "/^([^:]*):(.*)/s",
    why: "The part before its end takes everything.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: "text === undefined",
    to: "false",
    why: "What is not there is no text that stands for nothing, so it is answered itself; the compiler asks for it.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: "{ return undefined; }",
    to: "{}",
    why: "A function that ends without a word answers undefined.",
  },
  {
    file: "provider/clients/client-authentication.ts",
    code: "known.secretExpiresAt !== undefined",
    to: "true",
    why: "A comparison with a time that is not there is false anyway; the compiler asks for it.",
  },
  {
    file: "provider/clients/kept-documents.ts",
    code: "goneAt !== undefined",
    to: "true",
    why: "A comparison with a time that is not there is false anyway; the compiler asks for it.",
  },
  {
    file: "provider/clients/kept-documents.ts",
    code: "true",
    to: "false",
    why: "Only whether there is a value is asked, and nobody reads it.",
  },
];
