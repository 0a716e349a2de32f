import { expect, it } from "vitest";
import { z } from "zod";
import { KeyRing, sealed } from "../../../src/index.ts";
import { toVaultService } from "../../../src/storage/vault/connect.ts";
import { PangeaVaultRepository, type VaultServiceLike } from "../../../src/vault.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const schema = z.object({ name: z.string(), expiresAt: z.number() });

const emulator = useEmulator({ authn: false }, "test");

function open() {
  const clock = new ManualClock();
  const service = toVaultService("pts_sweep", { baseUrlTemplate: emulator.baseUrlTemplate });
  const inSeconds = (seconds: number) => clock.seconds(seconds);
  return { clock, service, inSeconds };
}

it("a sweep leaves a record that another instance renews while it is under way", async () => {
  const { clock, service, inSeconds } = open();
  const options = { folder: "/sweep", clock: clock.read };
  const other = new PangeaVaultRepository(schema, service, options);
  await other.set("renewed", { name: "renewed", expiresAt: inSeconds(10) });
  await other.set("over", { name: "over", expiresAt: inSeconds(10) });
  clock.advanceSeconds(11);
  const renewing: VaultServiceLike = {
    secretStore: (request) => service.secretStore(request),
    secretRotate: (request) => service.secretRotate(request),
    getItem: (request) => service.getItem(request),
    delete: (id) => service.delete(id),
    getBulk: async (search) => {
      const page = await service.getBulk(search);
      await other.set("renewed", { name: "renewed", expiresAt: inSeconds(1000) });
      return page;
    },
  };
  expect(await new PangeaVaultRepository(schema, renewing, options).sweep()).toBe(1);
  expect((await other.get("renewed"))?.name).toBe("renewed");
  expect(await other.get("over")).toBeUndefined();
});

it("a record that nobody can open any more stops neither a sweep nor a listing, is told of, and can be deleted", async () => {
  const { clock, service, inSeconds } = open();
  const options = { folder: "/sweep", clock: clock.read };
  const under = (secret: string) =>
    new PangeaVaultRepository(sealed(schema, KeyRing.from(secret.repeat(32))), service, options);
  await under("a").set("lost", { name: "lost", expiresAt: inSeconds(10) });
  const repository = under("b");
  await repository.set("over", { name: "over", expiresAt: inSeconds(10) });
  await repository.set("alive", { name: "alive", expiresAt: inSeconds(1000) });
  clock.advanceSeconds(11);
  const [keyId] = KeyRing.from("a".repeat(32)).ids;
  const told = { code: "ERR_UNREADABLE_RECORDS", count: 1, keyIds: [keyId] };
  await expect(repository.sweep()).rejects.toMatchObject(told);
  expect(await repository.get("over")).toBeUndefined();
  expect(emulator.vault.items().map(({ name }) => name)).toEqual(["lost", "alive"]);
  const names: string[] = [];
  const list = async () => {
    for await (const [name] of repository.entries()) names.push(name);
  };
  await expect(list()).rejects.toMatchObject(told);
  expect(names).toEqual(["alive"]);

  for (const removal of ["get", "take"] as const) {
    await expect(repository[removal]("lost")).rejects.toMatchObject({ code: "ERR_UNSEALABLE", keyId });
  }
  expect(await repository.delete("lost")).toBe(true);
  expect(await repository.delete("lost")).toBe(false);
});
