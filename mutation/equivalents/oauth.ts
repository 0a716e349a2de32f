import type { Equivalent } from "../equivalent.ts";

const words = "They are words of a message.";
const noSuchText = "No text that is compared with it can be that one.";
const oneColon = "A protocol has one colon, which is its end.";
const noLineBreak = "A URI has no line break, and begins with its scheme.";

/** In `src/provider/oauth`. */
export const oauth: readonly Equivalent[] = [
  {
    file: "provider/oauth/caller-address.ts",
    code: "address !== undefined",
    to: "true",
    why: "Nothing is no valid address; the compiler asks for the check.",
  },
  {
    file: "provider/oauth/caller-address.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "The first member of what has matched is the whole text, which is not read.",
  },

  { file: "provider/oauth/client-metadata.ts", code: "/^https?:$/", to: "/^https?:/", why: oneColon },
  { file: "provider/oauth/client-metadata.ts", code: '"must be an http(s) URL"', why: words },
  {
    file: "provider/oauth/client-metadata.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "No scheme that a client registers has a space in it. Each other empty list is tested.",
  },
  {
    file: "provider/oauth/client-metadata.ts",
    code: "value === undefined",
    to: "false",
    why: "A member that is there and undefined is read like one that is not there.",
  },
  {
    file: "provider/oauth/client-metadata.ts",
    code: "/[\\s,]+/",
    to: "/[\\s,]/",
    why: "It leaves more empty names between the others, and empty ones are left out.",
  },
  {
    file: "provider/oauth/client-metadata.ts",
    code: 'texts.every((item) => typeof item === "string")',
    to: "texts.some…",
    why: "Texts are either one alone or all of a list; of an empty list and of nothing there is no scope.",
  },

  {
    file: "provider/oauth/fit-metadata.ts",
    code: "firstTooMany < 0",
    to: "firstTooMany <= 0",
    why: "Where not even the first one fits, the metadata is too long with it and with all, and is refused.",
  },

  {
    file: "provider/oauth/opaque-token.ts",
    code: "text.length === length + checksumLength",
    to: "true",
    why: "The comparison behind it says the length too.",
  },

  {
    file: "provider/oauth/parse-json.ts",
    code: "{ return undefined; }",
    why: "It is what a function answers that ends.",
  },

  {
    file: "provider/oauth/redirect-uri.ts",
    code: "/\\.localhost$|^0\\.0\\.0\\.0$|^\\[(::|::ffff:(7f..:.+|0:0))\\]$/",
    to: "/\\.localhost$|^0\\.0\\.0\\.0$|\\[(::|::ffff:(7f..:.+|0:0))\\]$/",
    why: "A bracket stands nowhere else in a host.",
  },
  {
    file: "provider/oauth/redirect-uri.ts",
    code: "/\\.localhost$|^0\\.0\\.0\\.0$|^\\[(::|::ffff:(7f..:.+|0:0))\\]$/",
    to: "/\\.localhost$|^0\\.0\\.0\\.0$|^\\[(::|::ffff:(7f..:.+|0:0))\\]/",
    why: "A bracket stands nowhere else in a host.",
  },
  {
    file: "provider/oauth/redirect-uri.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "No scheme has a space in it, and the first member of what has matched is not read.",
  },
  {
    file: "provider/oauth/redirect-uri.ts",
    code: '""',
    why: "The pattern always has a third part, if an empty one; the compiler asks for the default. Each other empty text is tested.",
  },
  {
    file: "provider/oauth/redirect-uri.ts",
    code: 'url.username !== "" || url.password !== ""',
    why: "What has either has an @ behind two slashes, or has no two slashes: the same error.",
  },
  {
    file: "provider/oauth/redirect-uri.ts",
    code: 'url.username !== ""',
    to: "false",
    why: "What has a user has an @ behind two slashes, or has no two slashes: the same error.",
  },
  {
    file: "provider/oauth/redirect-uri.ts",
    code: 'url.password !== ""',
    to: "false",
    why: "What has a password has an @ behind two slashes, or has no two slashes: the same error.",
  },
  { file: "provider/oauth/redirect-uri.ts", code: "/^https?:$/", to: "/^https?:/", why: oneColon },
  {
    file: "provider/oauth/redirect-uri.ts",
    code: 'url.protocol === "http:"',
    to: "false",
    why: "A loopback host has no dot at its end, and any other was refused before. Where else it is asked it is tested.",
  },
  {
    file: "provider/oauth/redirect-uri.ts",
    code: '"http:"',
    why: "A loopback host has no dot at its end, and any other was refused before. Where else it is asked it is tested.",
  },
  {
    file: "provider/oauth/redirect-uri.ts",
    code: "text === undefined",
    to: "false",
    why: "The pattern always has a third part, if an empty one; the compiler asks for the check.",
  },
  { file: "provider/oauth/redirect-uri.ts", code: "/[?#].*$/", to: "/[?#].*/", why: noLineBreak },
  {
    file: "provider/oauth/redirect-uri.ts",
    code: "/^[a-z][a-z0-9+.-]*:/i",
    to: "/[a-z][a-z0-9+.-]*:/i",
    why: noLineBreak,
  },

  {
    file: "provider/oauth/resource.ts",
    code: "{ return undefined; }",
    why: "It is what a function answers that ends.",
  },
  { file: "provider/oauth/resource.ts", code: "[]", to: '["Stryker was here"]', why: noSuchText },
  {
    file: "provider/oauth/resource.ts",
    code: "given !== undefined",
    to: "true",
    why: "No resource is or begins like the text “undefined”; the compiler asks for the check.",
  },

  { file: "provider/oauth/scope-hierarchy.ts", code: "`$…", why: words },
  {
    file: "provider/oauth/scope-hierarchy.ts",
    code: "wanted.every((scope) => held.includes(scope))",
    to: "false",
    why: "The look at what is held is for speed: nothing of it is lacking afterwards either.",
  },
  {
    file: "provider/oauth/scope-hierarchy.ts",
    code: "(scope) => held.includes(scope)",
    why: "The look at what is held is for speed: nothing of it is lacking afterwards either.",
  },

  {
    file: "provider/oauth/scopes.ts",
    code: "/[\\s,]+/",
    to: "/[\\s,]/",
    why: "It leaves empty texts between the others, and an empty one is no scope.",
  },
  {
    file: "provider/oauth/scopes.ts",
    code: "/\\s+/",
    to: "/\\s/",
    why: "It leaves empty texts between the others, and an empty one is no scope.",
  },
];
