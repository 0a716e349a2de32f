/**
 * 100 times: two processes write to one SQLite file and are killed with SIGKILL in the middle. It fails where a write that
 * was acknowledged is not there afterwards, or `integrity_check` finds damage.
 *
 *     npx node bench/sqlite-kills.ts [better-sqlite3]
 */

import { killWriters } from "../test/support/sqlite-kills.ts";
import { sqliteDirectory } from "../test/support/sqlite-subject.ts";
import { machine } from "./machine.ts";

const driver = process.argv[2] === "better-sqlite3" ? "better-sqlite3" : "node:sqlite";
const rounds = 100;
using directory = await sqliteDirectory();
console.log(machine());
const { acknowledged, lost, damage } = await killWriters(directory.file(), driver, rounds, () => Math.random() * 300);
console.log(
  `${driver}: ${rounds} kills: ${acknowledged} writes acknowledged, ${lost} lost, integrity_check found ${damage.length} faults`,
);
if (lost > 0 || damage.length > 0 || acknowledged === 0) process.exitCode = 1;
