import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { type PangeaEmulator, startPangeaEmulator } from "../../../src/emulator/index.ts";
import { PangeaVaultRepository } from "../../../src/repository/vault/index.ts";

const worker = fileURLToPath(new URL("../../support/workers/vault-take-worker.ts", import.meta.url));
const run = promisify(execFile);
const processes = 8;
const keys = 1000;

let emulator: PangeaEmulator;
beforeAll(async () => {
  emulator = await startPangeaEmulator({ authn: false });
});
afterAll(() => emulator.close());

it.each(["default", "strict"])(
  "8 processes that take the same 1,000 keys get each value once (%s mode)",
  async (mode) => {
    emulator.vault.clear();
    const { baseUrlTemplate } = emulator;
    const repository = new PangeaVaultRepository(z.object({ n: z.number() }), "pts_race", {
      baseUrlTemplate,
      folder: "/race",
    });
    await Promise.all(Array.from({ length: keys }, (_, n) => repository.set(`key ${n}`, { n })));

    const outputs = await Promise.all(
      Array.from({ length: processes }, (_, index) =>
        run(process.execPath, [worker, baseUrlTemplate, mode, String(keys), String(index)], { maxBuffer: 1 << 24 }),
      ),
    );

    const taken: number[] = outputs.flatMap(({ stdout }) => JSON.parse(stdout));
    expect(taken.sort((one, other) => one - other)).toEqual(Array.from({ length: keys }, (_, n) => n));
  },
  120_000,
);
