import { expect, it } from "vitest";
import { raceForKeys } from "../../support/race.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const keys = 150;

const emulator = useEmulator({ authn: false });

it.each(["unique", "repeating"])(
  "of 8 processes that add the same 150 keys one adds each (%s names)",
  async (names) => {
    emulator.vault.clear();
    if (names === "repeating") emulator.faults.inject({ kind: "duplicate-names" });

    const result = await raceForKeys({
      worker: new URL("../../support/vault-race-worker.ts", import.meta.url),
      arguments: [emulator.baseUrlTemplate, "add"],
      processes: 8,
      keys,
    });

    expect(result).toEqual({ attempts: 8 * keys, won: keys, wonTwice: 0, errors: 0, lost: 0 });
    expect(new Set(emulator.vault.items().map((item) => item.name)).size).toBe(keys);
    expect(emulator.vault.items()).toHaveLength(keys);
  },
  60_000,
);
