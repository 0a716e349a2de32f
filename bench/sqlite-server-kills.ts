/**
 * 1,000 logins with two refreshes each at a server with its state in a SQLite file, which is killed with SIGKILL ten times
 * meanwhile. It fails where a client that had tokens has to log in again, or a code gives tokens twice.
 *
 *     npx node bench/sqlite-server-kills.ts [better-sqlite3]
 */

import { killServer } from "../test/support/sqlite-server-kills.ts";
import { sqliteDirectory } from "../test/support/sqlite-subject.ts";
import { machine } from "./machine.ts";

const driver = process.argv[2] === "better-sqlite3" ? "better-sqlite3" : "node:sqlite";
using directory = await sqliteDirectory();
console.log(machine());
const result = await killServer(directory.file(), driver, { logins: 1_000, kills: 10 });
console.log(`${driver}: 10 kills and one at the end: ${JSON.stringify(result)}`);
if (result.loggedOut > 0 || result.letInTwice > 0) process.exitCode = 1;
