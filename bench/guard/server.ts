/**
 * One of the contenders of `bench/guard.ts`, in a process of its own: it says its port, and on demand what CPU it has used, or
 * which part of it was its guard's
 * while it was watched.
 */
import { Session } from "node:inspector/promises";
import { servers } from "./servers.ts";
import { shareOfGuard } from "./share.ts";

const name = process.argv[2] ?? "";
const start = Object.entries(servers).find(([known]) => known === name)?.[1];
if (start === undefined) throw new Error(`There is no server "${name}".`);
const profiler = new Session();
profiler.connect();
const answers: Readonly<Record<string, () => unknown>> = {
  usage: () => process.cpuUsage(),
  watch: async () => {
    await profiler.post("Profiler.enable");
    await profiler.post("Profiler.setSamplingInterval", { interval: 200 });
    await profiler.post("Profiler.start");
    return true;
  },
  share: async () => shareOfGuard(name, (await profiler.post("Profiler.stop")).profile),
};
process.on("message", async (asked: string) => {
  process.send?.({ answer: await answers[asked]?.() });
});
// Whoever asks may have been ended.
process.on("disconnect", () => process.exit());
process.send?.(await start());
