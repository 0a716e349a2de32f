import { randomBytes } from "node:crypto";

const beginning = '{"pangea-authn-fastmcp":"taken","nonce":"';

/** What a strict take puts in place of the value that it claims. Each one is different. */
export function tombstone(): string {
  return `${beginning}${randomBytes(16).toString("hex")}"}`;
}

/** True for a text that stands where a value was taken: the record is absent. */
export function isTombstone(text: string): boolean {
  return text.startsWith(beginning);
}
