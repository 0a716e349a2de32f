/**
 * 1,000,000 attempts to take 125,000 single-use values from the emulated Vault, by 8 processes at once, in the default
 * mode or, with `strict` as the argument, in strict mode. It fails where a value was handed out twice or lost without an
 * error.
 *
 *     npx node bench/vault-take-race.ts [strict] [attempts]
 */
import { startPangeaEmulator } from "../src/emulator.ts";
import { PangeaVaultRepository } from "../src/vault.ts";
import { raceForValues } from "../test/support/take-race.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { machine } from "./machine.ts";

const processes = 8;
const mode = process.argv.includes("strict") ? "strict" : "default";
const attempts = Number(process.argv.slice(2).find((argument) => /^\d+$/.test(argument)) ?? 1_000_000);
const keys = Math.floor(attempts / processes);

await using emulator = await startPangeaEmulator({ authn: false });
const { baseUrlTemplate } = emulator;
const repository = new PangeaVaultRepository<string>(textCodec, "pts_race", { baseUrlTemplate, folder: "/race" });
for (let start = 0; start < keys; start += 500) {
  const chunk = Array.from({ length: Math.min(500, keys - start) }, (_, index) => `code-${start + index}`);
  await Promise.all(chunk.map((key) => repository.set(key, key)));
}
emulator.calls.reset();

console.log(machine());
const start = performance.now();
const result = await raceForValues({
  worker: new URL("../test/support/vault-take-race-worker.ts", import.meta.url),
  arguments: [baseUrlTemplate, mode],
  processes,
  keys,
});
const seconds = (performance.now() - start) / 1000;
console.log(
  `${result.attempts} attempts by ${processes} processes in ${seconds.toFixed(1)} s (${mode} mode): ` +
    `${result.taken} values handed out, ${result.takenTwice} twice, ${result.lost} lost without an error, ` +
    `${result.errors} errors, ${emulator.calls.total("vault")} calls to Vault`,
);
if (result.takenTwice > 0 || result.lost > 0 || result.taken + result.errors < keys) process.exitCode = 1;
