import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { attackRules } from "../attacks/attack-rules.ts";
import { modelRules } from "../explorer/model-rules.ts";
import { hazardRules } from "../hazards/hazard-rules.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

it.each([...attackRules, ...hazardRules, ...modelRules])(
  "the rule that is taken out for $name is in the source",
  ({ edits }) => {
    const missing = edits.filter(([file, rule]) => !read(`src/${file}`).includes(rule));
    expect(missing.map(([file, rule]) => `${file}: ${rule}`)).toEqual([]);
  },
);

it.each([
  ["attacks", "# Attacks", attackRules],
  ["hazards", "# Hazards", hazardRules],
  ["explorer", "## That it notices", modelRules],
])("the proofs on record for the %s, below %s, are those of today's rules", (folder, heading, rules) => {
  const page = read(`test/${folder}/README.md`);
  const rows = page
    .slice(page.indexOf(heading))
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2);
  const cells = rows.map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()));
  expect(cells.map(([, name]) => name)).toEqual(rules.map(({ name }) => name));
  for (const [, name, , rule, failed] of cells) {
    const [[file = "", text = ""] = []] = rules.find((one) => one.name === name)?.edits ?? [];
    expect(rule).toContain(`src/${file}`);
    expect(rule).toContain(text.trim().replaceAll(/\s+/g, " ").replaceAll("|", "\\|"));
    expect(failed, name).not.toBe("");
  }
});
