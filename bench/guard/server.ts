/** One of the contenders of `bench/guard.ts`, in a process of its own: it says its port, and on demand what CPU it has used. */
import { servers } from "./servers.ts";

const name = process.argv[2] ?? "";
const start = Object.entries(servers).find(([known]) => known === name)?.[1];
if (start === undefined) throw new Error(`There is no server "${name}".`);
process.on("message", () => process.send?.(process.cpuUsage()));
process.send?.(await start());
