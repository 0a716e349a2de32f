import { PangeaConfig, Vault, VaultService } from "pangea-node-sdk";
import { describe, it } from "vitest";
import { z } from "zod";
import { sampleSchema, testRepository } from "../../../src/conformance.ts";
import { PangeaVaultRepository } from "../../../src/vault.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { useEmulator } from "../../support/use-emulator.ts";

let folders = 0;
const emulator = useEmulator({ authn: false });

for (const strictTake of [false, true]) {
  testRepository(
    strictTake ? "PangeaVaultRepository with strictTake" : "PangeaVaultRepository",
    () => {
      const clock = new ManualClock();
      folders += 1;
      const { baseUrlTemplate } = emulator;
      const options = { baseUrlTemplate, folder: `/case-${folders}`, kind: "sample", clock: clock.read, strictTake };
      const sdk = new VaultService("pts_demo", new PangeaConfig({ baseUrlTemplate }));
      return {
        repository: new PangeaVaultRepository(sampleSchema, "pts_demo", options),
        anyValue: new PangeaVaultRepository(z.unknown(), "pts_demo", { ...options, folder: `/any-${folders}` }),
        again: () => new PangeaVaultRepository(sampleSchema, "pts_demo", options),
        advanceSeconds: (seconds: number) => clock.advanceSeconds(seconds),
        now: clock.read,
        plant: async (key: string, text: string) => {
          await sdk.secretStore({ type: Vault.ItemType.SECRET, name: key, folder: options.folder, secret: text });
        },
        breakStore: () => {
          emulator.faults.inject({ kind: "too-many-requests", retryAfterSeconds: 3600, on: "vault" });
        },
        restoreStore: () => emulator.faults.clear(),
        holdRead: () => {
          const gate = emulator.faults.hold("vault/v2/get_bulk", { committed: true, times: 1 });
          return { arrived: () => gate.arrived(1), release: () => gate.open() };
        },
      };
    },
    { runner: { describe, it } },
  );
}
