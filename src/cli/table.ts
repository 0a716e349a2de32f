import { stripVTControlCharacters } from "node:util";

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Whether the cells are numbers, which stand at the right. Default: false. */
  readonly isNumber?: boolean;
  /** How many columns of a terminal a cell may take; longer lines go on below. Default: as many as its text has. */
  readonly width?: number;
}

/** The number of columns that a text takes in a terminal, colours left out. */
function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Breaks a line between words. What follows is indented, so that a list stays one. A longer word stays whole. */
function wrap(line: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of line.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(word);
    else if (widthOf(`${last} ${word}`) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines;
}

/**
 * Draws a table. A cell may have several lines.
 *
 * @param rules - Before which rows a line is drawn: before each, or before the last one. Default: `each`.
 */
export function drawTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  rules: "each" | "last" = "each",
): string {
  const cells = rows.map((row) =>
    columns.map(({ width = Number.POSITIVE_INFINITY }, index) =>
      (row[index] ?? "").split("\n").flatMap((line) => wrap(line, width)),
    ),
  );
  const widths = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...cells.flatMap((row) => (row[index] ?? []).map(widthOf))),
  );
  const rule = ` ${widths.map((size) => "─".repeat(size)).join("─┼─")}`;
  const line = (texts: readonly string[]): string => {
    const padded = columns.map(({ isNumber = false }, index) => {
      const text = texts[index] ?? "";
      const space = " ".repeat((widths[index] ?? 0) - widthOf(text));
      return isNumber ? space + text : text + space;
    });
    return ` ${padded.join(" │ ")}`.trimEnd();
  };
  const body = cells.map((row) => {
    const height = Math.max(...row.map((cell) => cell.length));
    return Array.from({ length: height }, (_, index) => line(row.map((cell) => cell[index] ?? ""))).join("\n");
  });
  const parts = body.map((row, index) => {
    return rules === "each" || index === 0 || index === body.length - 1 ? `${rule}\n${row}` : row;
  });
  return [line(columns.map(({ title }) => title)), ...parts].join("\n");
}
