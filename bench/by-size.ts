import { createHash } from "node:crypto";
import type { Repository } from "../src/index.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { recordResult } from "./results.ts";

/** A store with so many records, of which some are asked for. */
export interface SizedStore {
  readonly size: number;
  readonly repository: Repository<string, string>;
  /** How many of its records are asked for, from `keyAt(0)` on. Default: all. */
  readonly asked?: number;
  /** What reads a record without the repository: what the store itself costs at its size. Default: nothing is. */
  readonly bareGet?: (key: string) => unknown;
}

/** A record's text: as long as what is stored of a token or a grant. */
export const recordText = "x".repeat(400);

/** The key of a record: as the library makes them, a hash, so that neighbours in time are none in an index. */
export function keyAt(index: number): string {
  return `sha256-${createHash("sha256").update(String(index)).digest("base64")}`;
}

const nameOf = (size: number): string => `among ${size.toLocaleString("en")}`;
const bareNameOf = (size: number): string => `bare ${nameOf(size)}`;

/** How many times as long as the bare statement a `get` may take, at any size. */
const mostToBare = 1.5;

/** Steps from one asked record to the next: a prime, so that every record has its turn and no two neighbours follow. */
const stride = 7_919;

/** The keys of records in an order that has nothing to do with theirs. */
function keysFrom(first: number, records: number): () => string {
  let next = first;
  return () => {
    next = (next + stride) % records;
    return keyAt(next);
  };
}

/**
 * Measures `get`, `set` and `take` with `add` by the number of records, in turns, and draws the curve of each.
 *
 * @param system - What keeps the records.
 * @param stores - From the smallest to the largest.
 * @param limits - How many times as long as in the smallest store a call may take in the largest.
 */
export async function measureBySize(
  system: string,
  stores: readonly SizedStore[],
  limits: Readonly<Record<"get" | "set" | "take and add", number>>,
): Promise<void> {
  const works = {
    get: (repository: SizedStore["repository"], key: string) => repository.get(key),
    set: (repository: SizedStore["repository"], key: string) => repository.set(key, recordText),
    "take and add": async (repository: SizedStore["repository"], key: string) => {
      if ((await repository.take(key)) === undefined) throw new Error("There was nothing to take.");
      return repository.add(key, recordText);
    },
  };
  const small = nameOf(stores[0]?.size ?? 0);
  const large = nameOf(stores.at(-1)?.size ?? 0);
  const points: { line: string; x: number; y: number }[] = [];
  for (const work of ["get", "set", "take and add"] as const) {
    const contenders = Object.fromEntries(
      stores.flatMap(({ size, repository, asked = size, bareGet }) => {
        const ownKey = keysFrom(0, asked);
        const inTurns: [string, () => Promise<unknown>] = [nameOf(size), () => works[work](repository, ownKey())];
        if (work !== "get" || bareGet === undefined) return [inTurns];
        // Half of all records away, so that neither finds in memory what the other has just read.
        const bareKey = keysFrom(Math.floor(asked / 2), asked);
        const bare: [string, () => Promise<unknown>] = [bareNameOf(size), async () => bareGet(bareKey())];
        return [inTurns, bare];
      }),
    );
    const measured = await measureInTurns(
      contenders,
      work === "get" ? { rounds: 600, runsPerRound: 20 } : { rounds: 200, runsPerRound: 5 },
    );
    measured.print(`${system}: ${work}`, small);
    for (const { size, bareGet } of stores) {
      points.push({ line: work, x: size, y: measured.microseconds(nameOf(size)) });
      if (work !== "get" || bareGet === undefined) continue;
      points.push({ line: "bare get", x: size, y: measured.microseconds(bareNameOf(size)) });
      const toBare = measured.estimate(nameOf(size), bareNameOf(size));
      printGoal(`${system}: get ${nameOf(size)} to the bare statement`, toBare.value, "at most", mostToBare, toBare);
    }
    const estimate = measured.estimate(large, small);
    printGoal(`${system}: ${work} ${large} to ${small}`, estimate.value, "at most", limits[work], estimate);
  }
  recordResult({
    kind: "plot",
    title: `What a call to ${system} takes, by how many records it holds`,
    x: "records",
    y: "microseconds",
    scales: { x: "log", y: "log" },
    points,
  });
}
