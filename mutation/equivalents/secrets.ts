import type { Equivalent } from "../equivalent.ts";

const speed = "What is kept is for speed: without it the same is made again.";
const sameError = "The next check refuses the same with the same error; only the words are others.";

const words = "It stands in the words of a message, for people.";

/** In `src/secrets`. */
export const secrets: readonly Equivalent[] = [
  { file: "secrets/hmac.ts", code: "lasting.set(key, createSecretKey(key));", why: speed },

  {
    file: "secrets/key-ring.ts",
    code: '"key id"',
    why: "In `ids` the keys of any label do, for a secret's keys have the same id under every label. In `#idOf` it is tested.",
  },
  { file: "secrets/key-ring.ts", code: '"KeyRing.from"', why: words },
  { file: "secrets/key-ring.ts", code: '"context"', why: words },
  { file: "secrets/key-ring.ts", code: '"The secret of KeyRing.from"', why: words },
  { file: "secrets/key-ring.ts", code: "known !== undefined", to: "false", why: speed },
  { file: "secrets/key-ring.ts", code: "this.#ids.set(secret, id);", why: speed },
  { file: "secrets/key-ring.ts", code: 'given.every((secret) => typeof secret === "string")', why: sameError },
  { file: "secrets/key-ring.ts", code: 'typeof secret === "string"', to: "true", why: sameError },
  { file: "secrets/key-ring.ts", code: "requireThat( isText, …", why: sameError },
  { file: "secrets/key-ring.ts", code: 'keys === "none"', to: "false", why: sameError },
  { file: "secrets/key-ring.ts", code: '"none"', why: sameError },

  {
    file: "secrets/sealed-json.ts",
    code: "false",
    to: "true",
    why: "When a schema is compiled is a question of speed: compiled or not, it reads the same.",
  },
  {
    file: "secrets/sealed-json.ts",
    code: "this.#compiled !== undefined",
    to: "false",
    why: "A schema would be compiled again for each value, and reads the same.",
  },
  {
    file: "secrets/sealed-json.ts",
    code: "this.#hasOpened",
    why: "When a schema is compiled, if ever, is a question of speed: compiled or not, it reads the same.",
  },
  {
    file: "secrets/sealed-json.ts",
    code: "true",
    to: "false",
    why: "A schema would never be compiled, and reads the same.",
  },
  { file: "secrets/sealed-json.ts", code: '""', why: "Nothing is bound to either text." },

  {
    file: "secrets/sealing.ts",
    code: "saltText === undefined",
    to: "false",
    why: "Where there is no salt there is no ciphertext either, which is checked next to it.",
  },
  {
    file: "secrets/sealing.ts",
    code: "keyId !== undefined",
    to: "true",
    why: "The text “undefined” has not the form of an id; the compiler asks for the check.",
  },
  {
    file: "secrets/sealing.ts",
    code: "{ authTagLength: tagBytes }",
    to: "{}",
    why: "The tag is cut to that length, and a shorter text was refused before.",
  },

  {
    file: "secrets/short-names.ts",
    code: 'other === "__proto__"',
    to: "true",
    why: "What is defined is read like what is assigned; to assign is for speed.",
  },
  {
    file: "secrets/short-names.ts",
    code: 'typeof member === "object"',
    to: "true",
    why: "What is no object is renamed to itself; the look is for speed.",
  },
];
