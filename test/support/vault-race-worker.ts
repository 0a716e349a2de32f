import { PangeaVaultRepository } from "../../src/vault.ts";
import { raceAsWorker } from "./race-worker.ts";
import { textCodec } from "./text-codec.ts";

const [baseUrlTemplate = "", mode = ""] = process.argv.slice(2);
const repository = new PangeaVaultRepository<string>(textCodec, "pts_race", {
  baseUrlTemplate,
  folder: "/race",
  strictTake: mode === "strict",
  timeout: 60_000,
});
// The SDK opens a connection for each call under way.
await raceAsWorker(async (key) => (await repository.take(key)) !== undefined, 50);
