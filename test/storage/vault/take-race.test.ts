import { expect, it } from "vitest";
import { PangeaVaultRepository } from "../../../src/vault.ts";
import { raceForKeys } from "../../support/race.ts";
import { textCodec } from "../../support/text-codec.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator({ authn: false });

it.each([
  ["default", 1_000],
  ["without a claim", 200],
] as const)(
  "8 processes that take the same keys get each value once (%s, %i keys)",
  async (mode, keys) => {
    emulator.vault.clear();
    const { baseUrlTemplate } = emulator;
    const repository = new PangeaVaultRepository<string>(textCodec, "pts_race", { baseUrlTemplate, folder: "/race" });
    await Promise.all(Array.from({ length: keys }, (_, n) => repository.set(`code-${n}`, String(n))));

    const result = await raceForKeys({
      worker: new URL("../../support/vault-race-worker.ts", import.meta.url),
      arguments: [baseUrlTemplate, mode],
      processes: 8,
      keys,
    });

    expect(result).toEqual({ attempts: 8 * keys, won: keys, wonTwice: 0, errors: 0, lost: 0 });
  },
  120_000,
);
