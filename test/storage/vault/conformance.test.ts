import { PangeaConfig, Vault, VaultService } from "pangea-node-sdk";
import { describe, it } from "vitest";
import { z } from "zod";
import { sampleSchema, testRepository } from "../../../src/conformance.ts";
import { KeyRing, sealed } from "../../../src/index.ts";
import { PangeaVaultRepository } from "../../../src/vault.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { useEmulator } from "../../support/use-emulator.ts";

let folders = 0;
const keys = KeyRing.from("the secret of the repository under test");
const foreignKeys = KeyRing.from("a secret that the repository does not have");
const emulator = useEmulator({ authn: false });

for (const strictTake of [false, true]) {
  testRepository(
    strictTake ? "PangeaVaultRepository with strictTake and sealed records" : "PangeaVaultRepository",
    () => {
      const clock = new ManualClock();
      folders += 1;
      const { baseUrlTemplate } = emulator;
      const options = { baseUrlTemplate, folder: `/case-${folders}`, kind: "sample", clock: clock.read, strictTake };
      // One of the two runs with sealed records.
      const codec = strictTake ? sealed(sampleSchema, keys) : sampleSchema;
      const sdk = new VaultService("pts_demo", new PangeaConfig({ baseUrlTemplate }));
      return {
        repository: new PangeaVaultRepository(codec, "pts_demo", options),
        anyValue: new PangeaVaultRepository(z.unknown(), "pts_demo", { ...options, folder: `/any-${folders}` }),
        again: () => new PangeaVaultRepository(codec, "pts_demo", options),
        advanceSeconds: (seconds: number) => clock.advanceSeconds(seconds),
        now: clock.read,
        plant: async (key: string, text: string) => {
          await sdk.secretStore({ type: Vault.ItemType.SECRET, name: key, folder: options.folder, secret: text });
        },
        ...(strictTake && {
          plantUnopenable: async (key: string) => {
            const location = { repository: `vault:${options.folder}:${options.kind}`, key };
            const secret = sealed(sampleSchema, foreignKeys).encode({ name: "planted", list: [] }, location);
            await sdk.secretStore({ type: Vault.ItemType.SECRET, name: key, folder: options.folder, secret });
            return foreignKeys.ids[0] ?? "";
          },
        }),
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
    {
      runner: { describe, it },
      without: {
        loseAnswer: "faults.test.ts loses the answer of each call",
        processes: "take-race.test.ts and add-race.test.ts race eight processes",
        ...(!strictTake && { plantUnopenable: "nothing is sealed" }),
      },
    },
  );
}
