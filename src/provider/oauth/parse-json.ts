/** Parses JSON of another party; undefined for what is none. The parser's own error would quote it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
