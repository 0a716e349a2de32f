/** A table in Markdown: the first column is text, the others are figures. */
export function markdownTable(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en") : cell)).join(" | ")} |`;
  return [
    line(columns),
    `| ${columns.map((_, index) => (index === 0 ? "---" : "--:")).join(" | ")} |`,
    ...rows.map(line),
  ].join("\n");
}
