/**
 * 8 processes that all add the same 100,000 keys to the emulated Vault, each once, where Vault keeps names unique or,
 * with `repeat` as the argument, where names may repeat. It fails where two adds of a key were true, where none was
 * without an error, or where an add that was not true has left an item behind.
 *
 *     npx node bench/vault-add-race.ts [repeat] [keys]
 */
import { startPangeaEmulator } from "../src/emulator.ts";
import { runTimedRace } from "./timed-race.ts";

const processes = 8;
const namesRepeat = process.argv.includes("repeat");
const keys = Number(process.argv.slice(2).find((argument) => /^\d+$/.test(argument)) ?? 100_000);

await using emulator = await startPangeaEmulator({ authn: false });
if (namesRepeat) emulator.faults.inject({ kind: "duplicate-names" });

const worker = new URL("../test/support/vault-race-worker.ts", import.meta.url);
await runTimedRace(
  { worker, arguments: [emulator.baseUrlTemplate, "add"], processes, keys },
  "keys added",
  () =>
    `, ${emulator.vault.items().length} items in Vault, ${emulator.calls.total("vault")} calls to Vault ` +
    `(${namesRepeat ? "names may repeat" : "unique names"})`,
);
if (emulator.vault.items().length !== keys) process.exitCode = 1;
