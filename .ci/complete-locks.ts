/**
 * Says which optional packages a lock file lacks, such as a compiler's program for another platform. An install on that
 * platform would go without it, in silence. `.ci/make-locks` makes complete ones.
 *
 *     node .ci/complete-locks.ts
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** A lock file of npm, as far as it is read here. */
export interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Where every lock file of this project is, relative to its root. */
export function lockFiles(): string[] {
  const listing = [
    "ls-files",
    "--cached",
    "--others",
    "--exclude-standard",
    "package-lock.json",
    "*/package-lock.json",
  ];
  return execFileSync("git", listing, { cwd: root, encoding: "utf8" }).split("\n").filter(Boolean);
}

/** A lock file of this project. */
export function readLockFile(path: string): LockFile {
  return JSON.parse(readFileSync(resolve(root, path), "utf8"));
}

/** What is wrong with a lock file, a line each. */
export function problemsOf({ packages }: LockFile): string[] {
  return Object.entries(packages).flatMap(([path, { resolved, optionalDependencies = {} }]) => [
    ...Object.keys(optionalDependencies)
      .filter((name) => !placesFor(path, name).some((place) => Object.hasOwn(packages, place)))
      .map((name) => `${path || "The project"} asks for ${name}, which the lock does not have.`),
    ...(resolved === undefined ? [] : [`${path} names the place that it was fetched from.`]),
  ]);
}

/** Where Node.js looks for a package that another one asks for. */
function placesFor(path: string, name: string): string[] {
  const places = [`${path === "" ? "" : `${path}/`}node_modules/${name}`];
  for (let end = path.lastIndexOf("node_modules/"); end >= 0; end = path.lastIndexOf("node_modules/", end - 1)) {
    places.push(`${path.slice(0, end)}node_modules/${name}`);
    if (end === 0) break;
  }
  return places;
}

if (import.meta.main) {
  const problems = lockFiles().flatMap((path) => problemsOf(readLockFile(path)).map((text) => `${path}: ${text}`));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) {
    console.error("Make complete lock files: .ci/make-locks");
    process.exitCode = 1;
  }
}
