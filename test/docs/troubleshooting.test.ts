import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { guideTo, troubleshootingGuide } from "../../src/documentation.ts";

const root = new URL("../../", import.meta.url);
const guide = readFileSync(new URL(troubleshootingGuide, root), "utf8");
const anchors = new Set([...guide.matchAll(/^### ([\w-]+)$/gm)].map(([, name = ""]) => name.toLowerCase()));
const sources = readdirSync(new URL("src/", root), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !/^(?:emulator|storage.conformance)/.test(file))
  .map((file) => readFileSync(new URL(`src/${file}`, root), "utf8"));
const found = (pattern: RegExp): string[] => [
  ...new Set(sources.flatMap((source) => [...source.matchAll(pattern)].map(([, name = ""]) => name))),
];

/** Whatever leads to a section of the guide, by where its name stands in the source. */
const named = {
  "error code": found(/"(ERR_[A-Z_]+)"/g).filter(
    (code) => !/^ERR_(?:MODULE|UNKNOWN_FILE|REQUIRE|DLOPEN|HTTP|SSL|INVALID_(?:ARG|URL))/.test(code),
  ),
  "notice of the log": found(/(?:notice\(\s*"(?:info|warn)",|#warn\()\s*"([a-z-]+)"/g),
  "topic of the log": found(/\btopic: "([\w-]+)"/g),
  "finding of doctor": found(/(?:\bcheck: |\bcheck = |clockFinding\(|guarded\()"([\w-]+)"/g),
};

it.each(Object.entries(named))("the guide has a section for every %s", (_, names) => {
  expect(names.length).toBeGreaterThan(2);
  const missing = names.filter((name) => !anchors.has(name.toLowerCase()));
  expect(missing).toEqual([]);
});

it("the codes are those of errors.ts, and two of the log", () => {
  const [, union = ""] =
    /type PangeaAuthnErrorCode =([^;]+);/.exec(readFileSync(new URL("src/errors.ts", root), "utf8")) ?? [];
  const codes = [...union.matchAll(/"(ERR_\w+)"/g)].map(([, code = ""]) => code);
  expect(codes.length).toBeGreaterThan(10);
  for (const code of [...codes, "ERR_UNEXPECTED", "ERR_RATE_LIMITER"]) expect(anchors).toContain(code.toLowerCase());
});

it("a link leads to the section by its name in lower case", () => {
  expect(guideTo("ERR_STORAGE_TIMEOUT")).toBe("docs/troubleshooting.md#err_storage_timeout");
});
