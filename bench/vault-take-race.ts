/**
 * 1,000,000 attempts to take 125,000 single-use values from the emulated Vault, by 8 processes at once, in the default
 * mode or, with `strict` as the argument, in strict mode. It fails where a value was handed out twice or lost without an
 * error.
 *
 *     npx node bench/vault-take-race.ts [strict] [attempts]
 */
import { startPangeaEmulator } from "../src/emulator.ts";
import { PangeaVaultRepository } from "../src/vault.ts";
import { raceKeyChunks } from "../test/support/race.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { runTimedRace } from "./timed-race.ts";

const processes = 8;
const mode = process.argv.includes("strict") ? "strict" : "default";
const attempts = Number(process.argv.slice(2).find((argument) => /^\d+$/.test(argument)) ?? 1_000_000);
const keys = Math.floor(attempts / processes);

await using emulator = await startPangeaEmulator({ authn: false });
const { baseUrlTemplate } = emulator;
const repository = new PangeaVaultRepository<string>(textCodec, "pts_race", { baseUrlTemplate, folder: "/race" });
for (const chunk of raceKeyChunks(keys, 500)) await Promise.all(chunk.map((key) => repository.set(key, key)));
emulator.calls.reset();

const worker = new URL("../test/support/vault-race-worker.ts", import.meta.url);
await runTimedRace(
  { worker, arguments: [baseUrlTemplate, mode], processes, keys },
  "values handed out",
  () => `, ${emulator.calls.total("vault")} calls to Vault (${mode} mode)`,
);
