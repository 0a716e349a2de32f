import type { Equivalent } from "../equivalent.ts";

const aMessage = "It is a word of a message, or chooses between such.";
const leftOut = "A member that is undefined is read as one that is not there; the compiler asks for the check.";
const theDefault = "It is what an outage says of its effect where nothing is said.";
const noRead = "Only “read” is asked for, and any other word is a write.";

/** In `src/storage/vault`. */
export const vault: readonly Equivalent[] = [
  // The adds.
  {
    file: "storage/vault/addition.ts",
    code: "failure !== undefined",
    to: "true",
    why: "Where there is no item its store has failed; the compiler asks for the check.",
  },
  { file: "storage/vault/addition.ts", code: '"no search of Vault shows it yet"', why: aMessage },
  { file: "storage/vault/addition.ts", code: '"it was removed meanwhile"', why: aMessage },
  { file: "storage/vault/addition.ts", code: '"it was written to meanwhile"', why: aMessage },
  { file: "storage/vault/addition.ts", code: '{ effect: "unknown", }', to: "{}", why: theDefault },

  // The claims.
  { file: "storage/vault/claim.ts", code: '"The record in Vault may have been claimed"', why: aMessage },
  {
    file: "storage/vault/claim.ts",
    code: '""',
    why: "It stands for the text of a version that has none, and then the outcome was lost before; the compiler asks for it.",
  },
  {
    file: "storage/vault/claim.ts",
    code: "instead === undefined",
    to: "false",
    why: "Whoever asks what was claimed instead asks whether that is undefined.",
  },

  // The connection.
  { file: "storage/vault/connect.ts", code: '"A Vault token"', why: aMessage },
  {
    file: "storage/vault/connect.ts",
    code: "tokenOrService !== null",
    to: "true",
    why: "Null lacks every method of a service: the same error.",
  },
  { file: "storage/vault/connect.ts", code: '"The Vault service"', why: aMessage },
  { file: "storage/vault/connect.ts", code: '"give a VaultService of pangea-node-sdk, or a token"', why: aMessage },
  { file: "storage/vault/connect.ts", code: '"The Vault token"', why: aMessage },
  {
    file: "storage/vault/connect.ts",
    code: "domain === undefined",
    to: "false",
    why: "The pattern is asked of the text “undefined” then, which it takes.",
  },
  {
    file: "storage/vault/connect.ts",
    code: '""',
    to: '"Stryker was here!"',
    why: "It stands for a domain that there is not, and begins with the name of no service.",
  },
  {
    file: "storage/vault/connect.ts",
    code: "[]",
    why: "Of a match that there is not, only the second member is asked for.",
  },
  { file: "storage/vault/connect.ts", code: "domain?.slice(…", why: aMessage },
  { file: "storage/vault/connect.ts", code: "`$…", why: aMessage },
  { file: "storage/vault/connect.ts", code: "domain !== undefined", to: "true", why: leftOut },
  { file: "storage/vault/connect.ts", code: "baseUrlTemplate !== undefined", to: "true", why: leftOut },
  {
    file: "storage/vault/connect.ts",
    code: "(await this.#service()).update?.(...parameters)",
    why: "The SDK has the method; a service without it would be an outage, as no answer is.",
  },

  // The schemes of the indexes.
  {
    file: "storage/vault/index-schemes.ts",
    code: "missing.length === 0",
    to: "false",
    why: "Nothing is announced where nothing is missing, only some promises later.",
  },

  {
    file: "storage/vault/index-search.ts",
    code: "outside === undefined",
    to: "false",
    why: "Where the one is undefined so is the other; the compiler asks for the check.",
  },
  {
    file: "storage/vault/index-search.ts",
    code: '""',
    why: "It stands for a scheme that there is not, and whoever searches by an index has one; the compiler asks for it.",
  },

  // The records and their items.
  { file: "storage/vault/item-records.ts", code: "expiresAt !== undefined", to: "true", why: leftOut },
  { file: "storage/vault/item-records.ts", code: "indexes !== undefined", to: "true", why: leftOut },
  {
    file: "storage/vault/item-records.ts",
    code: "this.indexes.names.length === 0",
    to: "false",
    why: "Without indexes an entry has no labels and gives no place; the check saves the reading.",
  },

  {
    file: "storage/vault/item-removal.ts",
    code: "{ if (this.#later.get(name) === deletion) this.#later.delete(name); }",
    why: "It forgets a deletion that is over, for which nobody waits; it is for memory.",
  },
  {
    file: "storage/vault/item-removal.ts",
    code: "this.#later.get(name) === deletion",
    to: "false",
    why: "It forgets a deletion that is over, for which nobody waits; it is for memory.",
  },
  {
    file: "storage/vault/item-removal.ts",
    code: "this.#later.delete(name);",
    why: "It forgets a deletion that is over, for which nobody waits; it is for memory.",
  },
  { file: "storage/vault/item-write.ts", code: '{ effect: "unknown", }', to: "{}", why: theDefault },
  {
    file: "storage/vault/own-items.ts",
    code: "[]",
    why: "What is no item has no mark; with `takeOver` it has no text, which is no record either.",
  },
  {
    file: "storage/vault/record-writes.ts",
    code: "entry !== undefined",
    to: "true",
    why: "Where searches go by an index every record has an entry; the compiler asks for the check.",
  },
  { file: "storage/vault/vault-repository.ts", code: '"options"', why: aMessage },
  {
    file: "storage/vault/vault-repository.ts",
    code: '""',
    why: "It stands for a kind that there is not, without which there are no indexes, and only a search by those asks for it.",
  },
  {
    file: "storage/vault/vault-repository.ts",
    code: "this.#ownWrites.clear();",
    why: "Nobody asks any more of a repository that has ended; it is for memory.",
  },

  // The options.
  { file: "storage/vault/options.ts", code: '"PangeaVaultRepository"', why: aMessage },
  { file: "storage/vault/options.ts", code: '"timeout"', why: aMessage },
  {
    file: "storage/vault/options.ts",
    code: "kind !== undefined",
    to: "true",
    why: "The pattern is asked of the text “undefined” then, which it takes.",
  },

  // What an instance remembers, and finds.
  { file: "storage/vault/own-writes.ts", code: "true", to: "false", why: "Only whether an id is there is asked." },
  {
    file: "storage/vault/secret-lookup.ts",
    code: '"untried"',
    why: "Only the other two words are asked for.",
  },
  { file: "storage/vault/secret-lookup.ts", code: "last !== undefined", to: "true", why: leftOut },
  {
    file: "storage/vault/stores-together.ts",
    code: "[]",
    why: "What is no promise is settled already, so that nobody waits for it.",
  },

  // The calls and their failures.
  { file: "storage/vault/vault-calls.ts", code: '"write"', to: '""', why: noRead },
  {
    file: "storage/vault/vault-calls.ts",
    code: "this.#service.update?.({ id, metadata })",
    why: "Nobody updates an item without asking `canUpdate`; the compiler asks for the question mark.",
  },
  { file: "storage/vault/vault-failure.ts", code: 'status === "NoCredit"', why: aMessage },
  { file: "storage/vault/vault-failure.ts", code: '"NoCredit"', to: '""', why: aMessage },
  { file: "storage/vault/vault-failure.ts", code: '"The Pangea account has no credit left; …', why: aMessage },
  { file: "storage/vault/vault-failure.ts", code: '"Vault refused the token; …', why: aMessage },
  { file: "storage/vault/vault-failure.ts", code: "seconds !== undefined", to: "true", why: leftOut },
  { file: "storage/vault/vault-failure.ts", code: "retryAfterSeconds !== undefined", to: "true", why: leftOut },
  {
    file: "storage/vault/vault-failure.ts",
    code: 'case "ServiceNotAvailable": return …',
    why: "What follows throws the same error in other words.",
  },
  { file: "storage/vault/vault-failure.ts", code: '"The record was stored in Vault"', why: aMessage },
  { file: "storage/vault/vault-failure.ts", code: '{ effect: "unknown" }', to: "{}", why: theDefault },
  {
    file: "storage/vault/vault-failure.ts",
    code: "code !== undefined",
    to: "true",
    why: "Undefined is not in the list of codes; the compiler asks for the check.",
  },
  {
    file: "storage/vault/vault-failure.ts",
    code: "`The connection to Vault failed …",
    why: aMessage,
  },
  { file: "storage/vault/vault-failure.ts", code: '"answered with something that is not JSON"', why: aMessage },
  { file: "storage/vault/vault-failure.ts", code: '"broke the connection"', why: aMessage },
  {
    file: "storage/vault/vault-failure.ts",
    code: "text === null",
    to: "false",
    why: "What is not there is no number and no date; the compiler asks for the check.",
  },
  {
    file: "storage/vault/vault-failure.ts",
    code: "{ const name = failure instanceof Error ? failure.constructor.name : typeof failure; …",
    why: aMessage,
  },
  {
    file: "storage/vault/vault-failure.ts",
    code: "failure instanceof Error ? failure.constructor.name : typeof failure",
    why: aMessage,
  },
  { file: "storage/vault/vault-failure.ts", code: "[name, status, connectionCodeOf(failure)]…", why: aMessage },
  { file: "storage/vault/vault-failure.ts", code: "(part) => part !== undefined", why: aMessage },
  { file: "storage/vault/vault-failure.ts", code: "part !== undefined", why: aMessage },
  { file: "storage/vault/vault-failure.ts", code: '" "', why: aMessage },
];
