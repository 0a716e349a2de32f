/**
 * Runs a program of a package of this project that has a lock of its own, in the root of the project. The package is
 * installed first where it is not:
 *
 *     node .ci/run-tool.ts <folder> <program> [argument …]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { installOnce } from "./install-once.ts";

const [folder = "", program = "", ...commandLine] = process.argv.slice(2);
await installOnce(folder);
const options = { stdio: "inherit", shell: process.platform === "win32" } as const;
const child = spawn(join(folder, "node_modules", ".bin", program), commandLine, options);
const [code] = await once(child, "close");
process.exitCode = code ?? 1;
