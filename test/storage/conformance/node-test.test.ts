import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { repositoryCases } from "../../../src/conformance.ts";

const example = fileURLToPath(new URL("./node-test-example.ts", import.meta.url));

/** Runs the suite under `node --test`, as the author of a backend does who has no vitest. */
async function run(environment: Record<string, string>): Promise<{ code: unknown; report: string }> {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, ["--test", "--test-reporter=tap", example], {
    // The outer runner's settings are not for the inner one.
    env: { PATH, NODE_COMPILE_CACHE, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [report, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { code, report };
}

const count = (report: string, what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(report)?.[1]);

describe("under node:test", () => {
  it("a repository that is right passes every rule", async () => {
    const { code, report } = await run({});
    expect(code, report).toBe(0);
    expect(count(report, "pass")).toBe(repositoryCases.length);
    expect(count(report, "skipped")).toBe(0);
  });

  it("one that is wrong fails at the rule that it breaks", async () => {
    const rule = "take gives the record once and leaves none";
    const { code, report } = await run({ RULE_TO_BREAK: rule });
    expect(code).toBe(1);
    expect(report).toMatch(new RegExp(`not ok \\d+ - ${rule}`));
  });

  it("rules that need a part which is not offered are skipped, and say so", async () => {
    const { code, report } = await run({ MINIMAL: "yes" });
    expect(code, report).toBe(0);
    const needing = repositoryCases.filter(({ needs }) => needs.length > 0).length;
    expect(count(report, "skipped")).toBe(needing);
    expect(count(report, "pass")).toBe(repositoryCases.length - needing);
    expect(report).toContain("needs plant: offer it, or say in `without` why there is none.");
  });
});
