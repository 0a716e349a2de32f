import { stripVTControlCharacters } from "node:util";

/** A column of a table. */
export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** The number of columns that a text takes in a terminal, colours left out. */
function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

function pad(text: string, to: number, align: Column["align"]): string {
  const space = " ".repeat(Math.max(0, to - width(text)));
  return align === "right" ? space + text : text + space;
}

/** Draws a table with box characters. A cell may have several lines. */
export function drawTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => columns.map((_, index) => (row[index] ?? "").split("\n")));
  const widths = columns.map((column, index) =>
    Math.max(width(column.title), ...cells.flatMap((row) => (row[index] ?? []).map(width))),
  );
  const rule = (left: string, middle: string, right: string): string =>
    left + widths.map((size) => "─".repeat(size + 2)).join(middle) + right;
  const line = (texts: readonly string[]): string =>
    `│${columns.map((column, index) => ` ${pad(texts[index] ?? "", widths[index] ?? 0, column.align)} `).join("│")}│`;
  const body = cells.flatMap((row) => {
    const height = Math.max(...row.map((cell) => cell.length));
    return Array.from({ length: height }, (_, index) => line(row.map((cell) => cell[index] ?? "")));
  });
  return [
    rule("┌", "┬", "┐"),
    line(columns.map((column) => column.title)),
    rule("├", "┼", "┤"),
    ...body,
    rule("└", "┴", "┘"),
  ].join("\n");
}
