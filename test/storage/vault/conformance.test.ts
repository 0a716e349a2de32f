import { PangeaConfig, Vault, VaultService } from "pangea-node-sdk";
import { describe, it } from "vitest";
import { z } from "zod";
import { type SampleRecord, sampleIndexes, sampleSchema, testRepository } from "../../../src/conformance.ts";
import { CachedRepository, KeyRing, type Repository, sealed } from "../../../src/index.ts";
import { ownWriter } from "../../../src/storage/vault/item-metadata.ts";
import { PangeaVaultRepository } from "../../../src/vault.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { useEmulator } from "../../support/use-emulator.ts";

let folders = 0;
const keys = KeyRing.from("the secret of the repository under test");
const foreignKeys = KeyRing.from("a secret that the repository does not have");
const emulator = useEmulator({ authn: false });

/**
 * The records are sealed and have indexes, or neither: labels need keys. An instance that has announced its scheme stores items
 * with labels, and one that has not yet stores them as an earlier version does.
 */
const variants: readonly {
  readonly name: string;
  readonly strictTake: boolean;
  readonly seals: boolean;
  readonly announces: boolean;
  readonly caches?: boolean;
}[] = [
  { name: "PangeaVaultRepository", strictTake: false, seals: false, announces: false },
  { name: "PangeaVaultRepository with strictTake and sealed records", strictTake: true, seals: true, announces: false },
  {
    name: "CachedRepository over PangeaVaultRepository",
    strictTake: true,
    seals: true,
    announces: true,
    caches: true,
  },
  {
    name: "PangeaVaultRepository with labels from the first record on",
    strictTake: true,
    seals: true,
    announces: true,
  },
];

for (const { name, strictTake, seals, announces, caches = false } of variants) {
  testRepository(
    name,
    async () => {
      const clock = new ManualClock();
      folders += 1;
      const { baseUrlTemplate } = emulator;
      const options = { baseUrlTemplate, folder: `/case-${folders}`, kind: "sample", clock: clock.read, strictTake };
      const codec = seals ? sealed(sampleSchema, keys) : sampleSchema;
      const indexes = seals ? { indexes: sampleIndexes } : {};
      const open = () => new PangeaVaultRepository(codec, "pts_demo", { ...options, ...indexes });
      const sdk = new VaultService("pts_demo", new PangeaConfig({ baseUrlTemplate }));
      const repository = open();
      if (announces) await search(repository);
      const wrap = <V>(inner: Repository<string, V>): Repository<string, V> =>
        caches ? new CachedRepository(inner, { max: 1_000, maxStaleness: 60_000, clock: clock.read }) : inner;
      const plant = async (key: string, secret: string) => {
        const metadata = { writer: ownWriter, kind: "sample" };
        await sdk.secretStore({ type: Vault.ItemType.SECRET, name: key, folder: options.folder, secret, metadata });
      };
      return {
        repository: wrap(repository),
        anyValue: wrap(
          new PangeaVaultRepository<unknown>(z.unknown(), "pts_demo", { ...options, folder: `/any-${folders}` }),
        ),
        again: open,
        unindexed: () => new PangeaVaultRepository(codec, "pts_demo", options),
        advanceSeconds: (seconds: number) => clock.advanceSeconds(seconds),
        now: clock.read,
        plant,
        ...(seals && {
          plantUnopenable: async (key: string) => {
            const location = { repository: `vault:${options.folder}:${options.kind}`, key };
            await plant(key, sealed(sampleSchema, foreignKeys).encode({ name: "planted", list: [] }, location));
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
        ...(!seals && { plantUnopenable: "nothing is sealed" }),
        ...(caches && {
          again: "a copy in memory hides another instance's change for maxStaleness",
          plant: "a copy in memory hides what is planted behind it",
          breakStore: "a copy in memory is answered while the store is out",
        }),
      },
    },
  );
}

async function search(repository: PangeaVaultRepository<SampleRecord>): Promise<void> {
  for await (const [key] of repository.entriesBy("name", "nobody")) throw new Error(`Found ${key}`);
}
