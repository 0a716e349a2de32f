import { namesLike } from "../option-checks.ts";

/**
 * A question that ends a complaint about a name: what was meant, where that can be told; else nothing.
 *
 * @param prefix - What is written before a name, such as `--`. Default: nothing.
 */
export function meantAmong(name: string, known: readonly string[], prefix = ""): string {
  const meant = namesLike(name, known).map((one) => `"${prefix}${one}"`);
  return meant.length === 0 ? "" : ` Did you mean ${meant.join(" or ")}?`;
}
