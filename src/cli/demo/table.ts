import { stripVTControlCharacters } from "node:util";

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Whether the cells are numbers, which stand at the right. Default: false. */
  readonly isNumber?: boolean;
}

/** The number of columns that a text takes in a terminal, colours left out. */
function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Draws a table with box characters. A cell may have several lines. */
export function drawTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => columns.map((_, index) => (row[index] ?? "").split("\n")));
  const widths = columns.map(({ title }, index) =>
    Math.max(width(title), ...cells.flatMap((row) => (row[index] ?? []).map(width))),
  );
  const rule = (left: string, middle: string, right: string): string =>
    left + widths.map((size) => "─".repeat(size + 2)).join(middle) + right;
  const line = (texts: readonly string[]): string => {
    const padded = columns.map(({ isNumber = false }, index) => {
      const text = texts[index] ?? "";
      const space = " ".repeat((widths[index] ?? 0) - width(text));
      return isNumber ? space + text : text + space;
    });
    return `│ ${padded.join(" │ ")} │`;
  };
  const body = cells.flatMap((row) => {
    const height = Math.max(...row.map((cell) => cell.length));
    return Array.from({ length: height }, (_, index) => line(row.map((cell) => cell[index] ?? "")));
  });
  const titles = line(columns.map(({ title }) => title));
  return [rule("┌", "┬", "┐"), titles, rule("├", "┼", "┤"), ...body, rule("└", "┴", "┘")].join("\n");
}
