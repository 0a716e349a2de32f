import { expect, test } from "vitest";
import { codeOf, readList } from "../../.ci/count-code.ts";

const text = `import { one } from "./one.ts";
import {
  two,
} from "./two.ts";

/** What it is. */
export const sum = one + two; // A word at the end.

// A line of its own.
export { three } from "./three.ts";
export * from "./four.ts";
export const url = "https://example.org/*"; /* in
between */
export { sum as total };
const lines = \`
// a text, not a comment

\`;
`;

test("comments, imports, exports from other files and empty lines are no code", () => {
  const counted = [
    "export const sum = one + two;",
    'export const url = "https://example.org/*";',
    "export { sum as total };",
    "const lines = `",
    "// a text, not a comment",
    "`;",
  ];
  const characters = counted.join("").replaceAll(" ", "").length;
  expect(codeOf("src/sum.ts", text)).toEqual({ lines: counted.length, characters });
});

test("lines that a list names do not count", () => {
  const list = readList("# Why.\n\nsrc/sum.ts:14-18   a feature\nsrc/sum.ts:7-7\nsrc/other.ts   all of it\n");
  expect(list.get("src/other.ts")).toEqual([{ first: 1, last: Number.POSITIVE_INFINITY }]);
  expect(codeOf("src/sum.ts", text, list.get("src/sum.ts"))).toMatchObject({ lines: 1 });
});

test("a line of a list that names nothing in src is refused", () => {
  expect(() => readList("all of the storage library")).toThrow("all of the storage library");
});
