import { execFile, execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compiler } from "../support/compiler.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const folder = await mkdtemp(join(tmpdir(), "installed-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The package as npm would publish it, packed in a copy so that this tree's own build is left alone. */
let tarball = "";
beforeAll(async () => {
  const copy = join(folder, "copy");
  await mkdir(copy);
  for (const path of ["package.json", "README.md", "LICENSE", "CHANGELOG.md", "src", "docs/options.md"]) {
    await cp(join(root, path), join(copy, path), { recursive: true });
  }
  const bundler = join(root, "node_modules/rolldown/bin/cli.mjs");
  const dist = join(copy, "dist");
  execFileSync(process.execPath, [compiler, "-p", "tsconfig.build.json", "--outDir", dist], { cwd: root });
  execFileSync(process.execPath, [bundler, "-c", "rolldown.config.ts", "-d", dist, "--log-level", "warn"], {
    cwd: root,
  });
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--silent"], { cwd: copy });
  tarball = join(copy, stdout.trim());
}, 120_000);

/** Runs the command as `npx -p` does for somebody without a project. */
function npx(packages: readonly string[], ...words: string[]) {
  const named = [tarball, ...packages].flatMap((one) => ["-p", one]);
  const env = { ...process.env, npm_config_loglevel: "error" };
  return run("npx", ["--yes", ...named, "pangea-authn-fastmcp", ...words], { cwd: folder, env });
}

describe("npx -p pangea-authn-fastmcp", () => {
  it("prints the version", async () => {
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    expect((await npx([], "--version")).stdout).toBe(`${version}\n`);
  }, 120_000);

  it.each([
    ["emulator", ["oidc-provider"]],
    ["demo", ["@modelcontextprotocol/sdk", "oidc-provider", "pangea-node-sdk"]],
  ])(
    "%s names the packages that it lacks, and the line that brings them",
    async (command, packages) => {
      const line = `npx ${["pangea-authn-fastmcp", ...packages].map((one) => `-p ${one}`).join(" ")} pangea-authn-fastmcp`;
      await expect(npx([], command)).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`${packages.join(", ")}.\n\n  ${line} ${command}\n`),
      });
    },
    120_000,
  );

  it("runs the demo to its end with these packages, and says how to leave it up", async () => {
    const { stdout } = await npx(["@modelcontextprotocol/sdk@1", "oidc-provider@9", "pangea-node-sdk@5"], "demo");
    expect(stdout).toContain("Done");
    expect(stdout).toContain("npx -p pangea-authn-fastmcp -p @modelcontextprotocol/sdk");
  }, 240_000);
});
