import { type Race, raceForKeys } from "../test/support/race.ts";
import { machine } from "./machine.ts";

/**
 * Runs a race and prints what came of it. The exit code is 1 where a key was won twice, or by nobody without an error.
 *
 * @param outcome - What a key is that a process won: "values handed out".
 * @param detail - What else is to be said of the race once it is over.
 */
export async function runTimedRace(race: Race, outcome: string, detail: () => string = () => ""): Promise<void> {
  console.log(machine());
  const start = performance.now();
  const result = await raceForKeys(race);
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${result.attempts} attempts by ${race.processes} processes in ${seconds.toFixed(1)} s: ` +
      `${result.won} ${outcome}, ${result.wonTwice} twice, ${result.lost} lost without an error, ` +
      `${result.errors} errors${detail()}`,
  );
  if (result.wonTwice > 0 || result.lost > 0 || result.won + result.errors < race.keys) process.exitCode = 1;
}
