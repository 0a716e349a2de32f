/**
 * What concurrent gets cost at Vault, in calls: 1,000 gets of distinct keys share their searches, and 10,000 gets of one
 * key that the cache does not hold share one. The emulator counts, and takes 20 ms for each answer.
 *
 *     npx node bench/vault-get-coalescing.ts
 */
import { type PangeaEmulator, startPangeaEmulator } from "../src/emulator.ts";
import { CachedRepository } from "../src/storage/cached/cached-repository.ts";
import { PangeaVaultRepository } from "../src/vault.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";

const distinctKeys = 1_000;
const getsOfOneKey = 10_000;
const latency = { kind: "latency", milliseconds: 20 } as const;
const names = Array.from({ length: distinctKeys }, (_, index) => `token-${index}`);

await using shared = await startPangeaEmulator({ authn: false });
await using single = await startPangeaEmulator({ authn: false });
const together = await filledVault(shared);
const apart = await filledVault(single);
// Here every get is a call of its own, as with a Vault that does not know the filter for several names.
single.faults.inject({ kind: "name-in-unsupported" });
const getAll = (repository: PangeaVaultRepository<string>) => () =>
  Promise.all(names.map((name) => repository.get(name)));

console.log(machine());
shared.calls.reset();
const found = await getAll(together)();
const callsForDistinct = shared.calls.total("vault");
if (!found.every((text, index) => text === names[index])) throw new Error("A get gave the wrong record.");

const cached = new CachedRepository(together, { max: 10_000, maxStaleness: 30_000 });
shared.calls.reset();
const copies = await Promise.all(Array.from({ length: getsOfOneKey }, () => cached.get("token-0")));
const callsForOneKey = shared.calls.total("vault");
if (!copies.every((text) => text === "token-0")) throw new Error("A get gave the wrong record.");

const times = await measureInTurns(
  { "searches of 100 names": getAll(together), "a search for each": getAll(apart) },
  { rounds: 10, runsPerRound: 1 },
);
times.print(`${distinctKeys} gets at once, ${latency.milliseconds} ms an answer`, "searches of 100 names");
console.log();
printGoal(`calls to Vault for ${distinctKeys} concurrent gets of distinct keys`, callsForDistinct, "at most", 20);
printGoal(`calls to Vault for ${getsOfOneKey} concurrent gets of one cold key`, callsForOneKey, "at most", 1);

async function filledVault(emulator: PangeaEmulator): Promise<PangeaVaultRepository<string>> {
  const repository = new PangeaVaultRepository<string>(textCodec, "pts_demo", {
    baseUrlTemplate: emulator.baseUrlTemplate,
    folder: "/tokens",
  });
  await Promise.all(names.map((name) => repository.set(name, name)));
  emulator.faults.inject(latency);
  return repository;
}
