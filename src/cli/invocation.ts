import { existsSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The name of this package, which is the command's name as well. */
const name = "pangea-authn-fastmcp";

/** How this program was started, so that what it suggests can be typed in the same place. */
export interface Invocation {
  /** The line that runs a command of this program. Packages that it needs beside this one are named where npx fetches them. */
  line(command: string, packages: readonly string[]): string;
  /** The line that makes the missing ones of a command's packages available. */
  installation(command: string, missing: readonly string[], packages: readonly string[]): string;
}

/** What tells how a program was started. */
export interface StartSettings {
  /** Where the program is. */
  readonly program: string;
  readonly directory: string;
  readonly exists: (path: string) => boolean;
}

const running: StartSettings = {
  program: fileURLToPath(import.meta.url),
  directory: process.cwd(),
  exists: existsSync,
};

/** Finds out how this program was started: by npx without a project, in a project, for the whole machine, or in a clone. */
export function findInvocation({ program, directory, exists }: StartSettings = running): Invocation {
  const modules = program.lastIndexOf(`${sep}node_modules${sep}`);
  // This file is two folders below the root of a clone.
  if (modules < 0) return exists(join(program, "../../../package-lock.json")) ? inClone : inCopy;
  const owner = program.slice(0, modules);
  if (owner.split(sep).includes("_npx")) return byNpx;
  return isWithin(directory, owner) ? inProject : forMachine;
}

/** npm keeps what `npx -p` fetches in a folder of its own, so every run names all packages. */
const byNpx: Invocation = {
  line: (command, packages) => `npx ${[name, ...packages].map((one) => `-p ${one}`).join(" ")} ${name} ${command}`,
  installation: (command, _, packages) => byNpx.line(command, packages),
};

const inProject: Invocation = {
  line: (command) => `npx ${name} ${command}`,
  installation: (_, missing) => `npm install ${missing.join(" ")}`,
};

const forMachine: Invocation = {
  line: (command) => `${name} ${command}`,
  installation: (_, missing) => `npm install --global ${missing.join(" ")}`,
};

/** A script of npm takes options behind `--`. */
const inClone: Invocation = {
  line: (command) => `npm run ${command.replace(" ", " -- ")}`,
  installation: () => "npm ci",
};

/** The sources somewhere else, without the lock file of a clone. */
const inCopy: Invocation = { line: inClone.line, installation: inProject.installation };

function isWithin(directory: string, owner: string): boolean {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (folder === owner) return true;
    if (folder === dirname(folder)) return false;
  }
}
