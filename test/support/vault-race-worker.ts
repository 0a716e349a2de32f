import { PangeaVaultRepository } from "../../src/vault.ts";
import { raceAsWorker } from "./race-worker.ts";
import { textCodec } from "./text-codec.ts";

const [baseUrlTemplate = "", mode = ""] = process.argv.slice(2);
const repository = new PangeaVaultRepository<string>(textCodec, "pts_race", {
  baseUrlTemplate,
  folder: "/race",
  strictTake: mode !== "without a claim",
  timeout: 60_000,
});
const attempt =
  mode === "add"
    ? (key: string) => repository.add(key, `by process ${process.pid}`)
    : async (key: string) => (await repository.take(key)) !== undefined;
// The SDK opens a connection for each call under way.
await raceAsWorker(attempt, 50);
