import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { repositoryCases } from "../../src/conformance.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const document = readFileSync(join(root, "docs/own-backend.md"), "utf8");
const directory = mkdtempSync(join(tmpdir(), "pangea-backends-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it("the example of docs/own-backend.md passes every case of the suite, and skips only what is for backends with indexes", async () => {
  const blocks = [...document.matchAll(/```ts file=(\S+)\n(.*?)```/gs)];
  expect(blocks.map(([, name]) => name)).toEqual(["file-repository.ts", "file-process.ts", "file-repository.test.ts"]);
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(root, join(directory, "node_modules/pangea-authn-fastmcp"));
  symlinkSync(join(root, "node_modules/zod"), join(directory, "node_modules/zod"));
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  for (const [, name = "", content = ""] of blocks) writeFileSync(join(directory, name), content);
  const args = ["--conditions=pangea-authn-fastmcp-source", "--test", "--test-reporter=tap", "--test-isolation=none"];
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [...args, "file-repository.test.ts"], {
    cwd: directory,
    // The outer runner's settings are not for the inner one.
    env: { PATH, NODE_COMPILE_CACHE, NODE_OPTIONS: "--conditions=pangea-authn-fastmcp-source" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [report, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect(code, report).toBe(0);
  const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(report)?.[1]);
  const ofIndexes = repositoryCases.filter(({ needs, of }) => needs.includes("unindexed") || of === "entriesBy").length;
  expect(count("pass")).toBe(repositoryCases.length - ofIndexes);
  expect(count("skipped")).toBe(ofIndexes);
}, 120_000);
