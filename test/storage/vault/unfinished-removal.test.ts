import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { z } from "zod";
import { PangeaVaultRepository } from "../../../src/vault.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator({ authn: false });
const schema = z.object({ number: z.number() });

function open(folder: string) {
  const options = { baseUrlTemplate: emulator.baseUrlTemplate, folder, timeout: 2_000 };
  return new PangeaVaultRepository(schema, "pts_demo", options, { delay: async () => undefined });
}

it.each(["delete", "take"] as const)(
  "a record that is written after a %s whose last call has failed is there, for every instance that has looked meanwhile",
  async (removal) => {
    const folder = `/unfinished-${randomUUID()}`;
    const [here, there] = [open(folder), open(folder)];
    await here.set("a", { number: 1 });
    emulator.faults.inject({
      kind: "server-error",
      on: "vault/v2/delete",
      httpStatus: 501,
      committed: false,
      times: 5,
    });
    await here[removal]("a");
    await new Promise((resolve) => setImmediate(resolve));
    expect([await here.get("a"), await there.get("a")]).toEqual([undefined, undefined]);
    emulator.faults.clear();
    for (const [number, writer] of [here, there].entries()) {
      await writer.set("a", { number });
      expect([await here.get("a"), await there.get("a")]).toEqual([{ number }, { number }]);
    }
  },
);
