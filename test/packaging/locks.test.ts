import { expect, it } from "vitest";
import { lockFiles, problemsOf, readLockFile } from "../../.ci/complete-locks.ts";

const locks = lockFiles();

it("finds the lock file of each package of this project", () => {
  expect(locks).toEqual(expect.arrayContaining(["package-lock.json", "bench/package-lock.json"]));
});

it.each(locks)("%s has the optional packages of every platform", (path) => {
  expect(problemsOf(readLockFile(path))).toEqual([]);
});

it("the compiler, the linter and the bundler are locked for a Mac, for Arm and for Windows", () => {
  const locked = locks.flatMap((path) => Object.keys(readLockFile(path).packages));
  for (const program of ["@typescript/typescript-", "@biomejs/cli-", "@rolldown/binding-"]) {
    for (const platform of ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win32-x64"]) {
      expect(locked.some((path) => path.includes(`node_modules/${program}${platform}`))).toBe(true);
    }
  }
});

it.each([
  [
    "an optional package of a package",
    { "node_modules/compiler": { optionalDependencies: { "compiler-mac": "1" } } },
    ["node_modules/compiler asks for compiler-mac, which the lock does not have."],
  ],
  [
    "an optional package of a nested package",
    {
      "node_modules/a/node_modules/b": { optionalDependencies: { "@b/mac": "1", "@b/arm": "1", "@b/win": "1" } },
      "node_modules/a/node_modules/@b/mac": {},
      "node_modules/@b/arm": {},
      "node_modules/c/node_modules/@b/win": {},
    },
    ["node_modules/a/node_modules/b asks for @b/win, which the lock does not have."],
  ],
  [
    "an optional package of the project",
    { "": { optionalDependencies: { fsevents: "2" } } },
    ["The project asks for fsevents, which the lock does not have."],
  ],
  [
    "an address",
    { "node_modules/a": { resolved: "https://packages.example.org/a.tgz" } },
    ["node_modules/a names the place that it was fetched from."],
  ],
])("tells of a lock that lacks %s, or has too much", (_, packages, problems) => {
  expect(problemsOf({ packages })).toEqual(problems);
});
