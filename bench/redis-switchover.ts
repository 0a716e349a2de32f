/**
 * What a switchover by Sentinel costs: how many of the writes that were reported as done are gone afterwards, and how many
 * deletes came undone. 20 writers go on from half a second before the switchover until 12 seconds after it. It starts a
 * primary, a replica and a Sentinel for each, and fails where a write is lost that replicas had confirmed.
 *
 *     npx node bench/redis-switchover.ts [switchovers of each sort, 5 where nothing is said]
 */
import { type Switchover, switchOver } from "../test/support/redis-switchover.ts";
import { machine } from "./machine.ts";

const rounds = Number(process.argv[2] ?? 5);
const waitForReplicas = { replicas: 1, timeoutMilliseconds: 200 };
const sorts: readonly [name: string, switchover: Switchover][] = [
  ["ordered, without failoverDetector", { how: "ordered", failoverDetector: false }],
  ["ordered, redisOptions()", { how: "ordered" }],
  ["ordered, with waitForReplicas", { how: "ordered", waitForReplicas }],
  ["killed, redisOptions()", { how: "killed" }],
  ["killed, with waitForReplicas", { how: "killed", waitForReplicas }],
];

console.log(machine());
for (const [name, switchover] of sorts) {
  let confirmedAndLost = 0;
  for (let round = 1; round <= rounds; round++) {
    const { acknowledged, lost, undone, failed, outage } = await switchOver(switchover);
    console.log(
      `${name}: of ${acknowledged} done ${lost} written are gone, ${undone} deleted are back; ` +
        `${failed.none} failed without effect, ${failed.unknown} with an unknown one; ${Math.round(outage)} ms`,
    );
    if (switchover.waitForReplicas !== undefined) confirmedAndLost += lost + undone;
  }
  if (confirmedAndLost > 0) process.exitCode = 1;
}
