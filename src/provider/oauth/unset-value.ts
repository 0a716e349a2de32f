/** What scripts write in the place of a value that is not set: JavaScript's, JSON's and Python's words for it. */
const wordsForNothing: readonly string[] = ["undefined", "null", "None"];

/** True for a text that says that there is nothing. */
export function isUnset(text: string): boolean {
  return text === "" || wordsForNothing.includes(text);
}
