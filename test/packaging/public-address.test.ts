import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { addressOf, problemsOf } from "../../.ci/public-address.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const { name, scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));

it.each(["https://github.com/owner/name", "https://github.com/owner/name/", "https://github.com/owner/name.git"])(
  "%s gives all three",
  (url) => {
    const address = addressOf(url);
    expect(address).toEqual({
      repository: { type: "git", url: "git+https://github.com/owner/name.git" },
      homepage: "https://github.com/owner/name#readme",
      bugs: { url: "https://github.com/owner/name/issues" },
    });
    expect(problemsOf(address)).toEqual([]);
  },
);

it("a group of groups has an address as well", () => {
  expect(addressOf("https://git.example/a/b/c").homepage).toBe("https://git.example/a/b/c#readme");
});

it.each([
  "github.com/owner/name",
  "http://github.com/owner/name",
  "https://github.com/owner",
  "https://user@github.com/owner/name",
  "https://github.com/owner/name?tab=readme",
  "git@github.com:owner/name.git",
])("%s is refused", (url) => {
  expect(() => addressOf(url)).toThrow("is no address of a repository");
});

const address = addressOf("https://github.com/owner/name");
it.each([
  ["nothing", {}, 3],
  ["no homepage", { ...address, homepage: undefined }, 1],
  ["an empty homepage", { ...address, homepage: "" }, 1],
  ["no bugs", { ...address, bugs: undefined }, 1],
  ["a repository that is a text", { ...address, repository: "owner/name" }, 1],
  ["another place for bugs", { ...address, bugs: { url: "https://github.com/other/name/issues" } }, 1],
])("a package.json with %s is no address", (_, fields, count) => {
  expect(problemsOf(fields)).toHaveLength(count);
});

it("npm refuses to publish a package without an address, says the one command, and goes on after it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "address-"));
  try {
    await mkdir(join(folder, ".ci"));
    await cp(join(root, ".ci/public-address.ts"), join(folder, ".ci/public-address.ts"));
    const { prepublishOnly, address: setting } = scripts;
    const description = { name, version: "0.0.0", type: "module", scripts: { prepublishOnly, address: setting } };
    await writeFile(join(folder, "package.json"), JSON.stringify(description));
    const path = `${join(process.execPath, "..")}:${process.env.PATH}`;
    const npm = (...words: string[]) => run("npm", words, { cwd: folder, env: { ...process.env, PATH: path } });
    // Nothing is sent: a dry run ends where the registry would be asked.
    const publish = () => npm("publish", "--dry-run", "--registry", "http://127.0.0.1:1/");
    const command = "npm run address -- https://github.com/owner/name";
    await expect(publish()).rejects.toMatchObject({ stderr: expect.stringContaining(command) });
    await npm("run", "address", "--", "https://github.com/owner/name");
    expect(JSON.parse(await readFile(join(folder, "package.json"), "utf8"))).toMatchObject(address);
    await expect(npm("run", "prepublishOnly")).resolves.toBeDefined();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
