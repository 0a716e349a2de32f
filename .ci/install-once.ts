/**
 * Installs a package of this project that has a lock of its own, unless it is installed as its lock says:
 *
 *     node .ci/install-once.ts <folder>
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const run = promisify(execFile);
/** After this long (milliseconds) an install that has not ended has died with its process. */
const longestInstall = 300_000;

/**
 * Installs the package in a folder of this project as its lock says. Does nothing where that was done before. Two
 * processes that ask at once install it once.
 *
 * @param folder - Relative to the root of the project.
 */
export async function installOnce(folder: string): Promise<void> {
  const path = join(root, folder);
  const lock = createHash("sha256")
    .update(await readFile(join(path, "package-lock.json")))
    .digest("hex");
  const mark = join(path, "node_modules", ".installed-lock");
  const isInstalled = async () => (await readFile(mark, "utf8").catch(() => "")) === lock;
  if (await isInstalled()) return;
  // Not in node_modules, which npm removes first.
  const turn = join(path, ".installing");
  while (!(await takeTurn(turn))) {
    await wait(200);
    if (await isInstalled()) return;
  }
  try {
    await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: path, shell: process.platform === "win32" });
    await writeFile(mark, lock);
  } finally {
    await rm(turn, { recursive: true, force: true });
  }
}

/** Makes a folder, which one process can do at a time. One that is too old is nobody's any more. */
async function takeTurn(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (failure) {
    if (!(failure instanceof Error && "code" in failure && failure.code === "EEXIST")) throw failure;
  }
  const { mtimeMs = Date.now() } = (await stat(folder).catch(() => undefined)) ?? {};
  if (Date.now() - mtimeMs > longestInstall) await rm(folder, { recursive: true, force: true });
  return false;
}

if (import.meta.main) {
  for (const folder of process.argv.slice(2)) await installOnce(folder);
}
