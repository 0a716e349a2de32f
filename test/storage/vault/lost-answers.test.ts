import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Fault } from "../../../src/emulator.ts";
import { StorageFailure } from "../../../src/index.ts";
import { toVaultService } from "../../../src/storage/vault/connect.ts";
import { PangeaVaultRepository, type VaultServiceLike } from "../../../src/vault.ts";
import { callWithLostAnswers, changingCalls, forEachNumber } from "../../support/lost-answers.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator({ authn: false, seed: 20 }, "test");
beforeEach(() => emulator.vault.clear());

const schema = z.object({ n: z.number() });
const open = () => new PangeaVaultRepository(schema, "pts_lost", { baseUrlTemplate: emulator.baseUrlTemplate });
type Repository = ReturnType<typeof open>;

/** What can befall a call. */
const troubles: readonly (readonly [string, Fault])[] = [
  ["the answer is lost, and the SDK repeats the request", { kind: "server-error", httpStatus: 502, committed: true }],
  ["the request is lost, and the SDK repeats it", { kind: "server-error", httpStatus: 502 }],
  ["the answer is lost with the connection", { kind: "connection-reset", committed: true }],
  ["the request is lost with the connection", { kind: "connection-reset" }],
  ["the answer is a proxy's page", { kind: "html", httpStatus: 200, committed: true }],
  ["the answer is lost and nobody repeats it", { kind: "server-error", httpStatus: 501, committed: true }],
];

/** What a call has come to, and `unknown` for an error that says so. Any other error fails the test. */
async function outcomeOf<T>(call: Promise<T>): Promise<T | "unknown"> {
  try {
    return await call;
  } catch (failure) {
    expect(failure).toBeInstanceOf(StorageFailure);
    expect(failure).toMatchObject({ effect: "unknown" });
    return "unknown";
  }
}

/** Calls for each number, fifty at a time unless said otherwise. */
const forEach = <T>(count: number, call: (n: number) => Promise<T>, parallel = 50) =>
  forEachNumber(count, call, parallel);

const fill = (count: number, repository = open()) => forEach(count, (n) => repository.set(`key-${n}`, { n }));
const lose = (fault: Fault, probability = 0.2) => emulator.faults.inject({ ...fault, on: "vault", probability });

it("600 takes of which one answer in five is lost: none reads as absent, and none is handed out twice", async () => {
  await fill(600);
  const fault = lose({ kind: "server-error", httpStatus: 502, committed: true });
  const one = open();
  const first = await forEach(600, (n) => outcomeOf(one.take(`key-${n}`)));
  await one[Symbol.asyncDispose]();
  expect(fault.strikes).toBeGreaterThan(200);
  emulator.faults.clear();

  const other = open();
  const second = await forEach(600, (n) => other.take(`key-${n}`));
  const taken = first.filter((value) => typeof value === "object").length;
  // The SDK repeats what was lost, and the versions of the item tell whose claim was first: nothing is left in doubt.
  expect({ taken, absent: first.filter((value) => value === undefined).length }).toEqual({ taken: 600, absent: 0 });
  expect(first).toEqual(first.map((_, n) => ({ n })));
  expect(second.filter((value) => value !== undefined)).toEqual([]);
  expect(emulator.vault.items()).toEqual([]);
}, 120_000);

it.each(["delete", "add", "set"] as const)(
  "200 of %s of which one answer in five is lost: each has answered what it did, or says that nobody knows",
  async (method) => {
    const troubled = open();
    const begin = () => {
      fault = lose({ kind: "server-error", httpStatus: 502, committed: true });
    };
    let fault: ReturnType<typeof lose> | undefined;
    const scene = { count: 200, parallel: 50, prefix: "key", troubled, calm: open(), begin };
    const numbers = await callWithLostAnswers(changingCalls[method], {
      ...scene,
      async end() {
        await troubled[Symbol.asyncDispose]();
        emulator.faults.clear();
      },
    });
    expect(fault?.strikes).toBeGreaterThan(30);
    expect(numbers.none).toBe(0);
  },
  120_000,
);

describe.each(troubles)("where %s", (_, fault) => {
  it.each(["take", "delete"] as const)("a %s never says that there was nothing", async (removal) => {
    const count = 40;
    await fill(count);
    lose(fault);
    const one = open();
    const outcomes = await forEach<unknown>(count, (n) => outcomeOf<unknown>(one[removal](`key-${n}`)));
    await one[Symbol.asyncDispose]();
    emulator.faults.clear();
    expect(outcomes).not.toContain(undefined);
    expect(outcomes).not.toContain(false);
    const left = await forEach(count, (n) => open().take(`key-${n}`));
    for (const [n, outcome] of outcomes.entries()) if (outcome !== "unknown") expect(left[n]).toBeUndefined();
  });

  it("of several takes and deletes of a record one has it, on whichever instance", async () => {
    const count = 30;
    await fill(count);
    lose(fault);
    const instances = [open(), open()];
    const attempt = (repository: Repository, n: number, index: number): Promise<unknown> =>
      outcomeOf<unknown>(index % 2 === 0 ? repository.take(`key-${n}`) : repository.delete(`key-${n}`));
    const all = await forEach(count, (n) =>
      Promise.all([...instances, ...instances, ...instances].map((each, index) => attempt(each, n, index))),
    );
    await Promise.all(instances.map((each) => each[Symbol.asyncDispose]()));
    emulator.faults.clear();
    for (const outcomes of all) {
      const won = outcomes.filter((outcome) => outcome !== undefined && outcome !== false && outcome !== "unknown");
      expect(won.length).toBeLessThanOrEqual(1);
      if (!outcomes.includes("unknown")) expect(won).toHaveLength(1);
    }
  });

  it("a set or an add that answers has written, and one that does not says that this is unknown", async () => {
    const count = 24;
    lose(fault);
    const [setting, adding] = [open(), open()];
    const sets = await forEach(count, (n) => outcomeOf(setting.set(`set-${n}`, { n })));
    const again = await forEach(count, (n) => outcomeOf(setting.set(`set-${n}`, { n: -n })));
    const adds = await forEach(count, (n) => outcomeOf(adding.add(`add-${n}`, { n })));
    const addsAgain = await forEach(count, (n) => outcomeOf(open().add(`add-${n}`, { n: -n })));
    emulator.faults.clear();
    const reader = open();
    for (let n = 1; n < count; n += 1) {
      const set = await reader.get(`set-${n}`);
      if (again[n] !== "unknown") expect(set).toEqual({ n: -n });
      else if (sets[n] !== "unknown") expect([n, -n]).toContain(set?.n);
      const added = await reader.get(`add-${n}`);
      if (adds[n] !== "unknown") expect([adds[n], added]).toEqual([true, { n }]);
      if (adds[n] === true) expect(addsAgain[n]).not.toBe(true);
      else if (addsAgain[n] === true) expect(added).toEqual({ n: -n });
    }
  });
});

/** A Vault whose next rotation is sent twice, as the SDK does; something happens in between. */
function repeating(between: () => Promise<unknown>): VaultServiceLike {
  const service = toVaultService("pts_lost", { baseUrlTemplate: emulator.baseUrlTemplate });
  let isFirst = true;
  return {
    secretStore: (request) => service.secretStore(request),
    async secretRotate(request) {
      if (isFirst) {
        isFirst = false;
        await service.secretRotate(request);
        await between();
      }
      return service.secretRotate(request);
    },
    getItem: (request) => service.getItem(request),
    getBulk: (search) => service.getBulk(search),
    delete: (id) => service.delete(id),
  };
}

describe("a take whose answer is lost, and which is repeated after", () => {
  it.each<[string, (other: Repository) => Promise<unknown>, unknown]>([
    ["another take", (other) => other.take("a"), undefined],
    ["a delete", (other) => other.delete("a"), false],
    ["several takes", (other) => Promise.all([other.take("a"), open().take("a")]), [undefined, undefined]],
    ["a get", (other) => other.get("a"), undefined],
  ])("%s still has the record, and the other has not", async (_name, act, answer) => {
    const other = open();
    await other.set("a", { n: 1 });
    let answered: unknown;
    const service = repeating(async () => {
      answered = await act(other);
    });
    expect(await new PangeaVaultRepository(schema, service).take("a")).toEqual({ n: 1 });
    expect(answered).toEqual(answer);
    expect(await open().take("a")).toBeUndefined();
  });

  it.each(["set", "add"] as const)("a %s in its place still has the record: the other waits for it", async (write) => {
    const other = open();
    await other.set("a", { n: 1 });
    let writing: Promise<unknown> = Promise.resolve();
    const service = repeating(async () => {
      const reads = emulator.calls.count("vault/v2/get");
      writing = open()[write]("a", { n: 2 });
      // By then it has seen that the record was claimed.
      await expect.poll(() => emulator.calls.count("vault/v2/get")).toBeGreaterThan(reads);
    });
    expect(await new PangeaVaultRepository(schema, service).take("a")).toEqual({ n: 1 });
    expect(await writing).toBe(write === "add" ? true : undefined);
    expect(await other.get("a")).toEqual({ n: 2 });
  });
});

it("a set over a record that was taken meanwhile stores it anew: the deletion that is yet to come does not reach it", async () => {
  const [one, other] = [open(), open()];
  await one.set("a", { n: 1 });
  await other.set("a", { n: 2 });
  const deletion = emulator.faults.hold("vault/v2/delete", { times: 1 });
  expect(await one.take("a")).toEqual({ n: 2 });
  await deletion.arrived(1);
  // The other instance remembers the id of the item, and rotates it without a look.
  const setting = other.set("a", { n: 3 });
  await expect.poll(() => emulator.calls.count("vault/v2/get")).toBeGreaterThan(1);
  deletion.open();
  await setting;
  expect(await open().get("a")).toEqual({ n: 3 });
  await one[Symbol.asyncDispose]();
  expect(await open().get("a")).toEqual({ n: 3 });
});

it("a set or an add of the instance that has taken a record waits for its deletion", async () => {
  const repository = open();
  for (const write of ["set", "add"] as const) {
    await repository.set("a", { n: 1 });
    const deletion = emulator.faults.hold("vault/v2/delete", { times: 1 });
    expect(await repository.take("a")).toEqual({ n: 1 });
    expect(await repository.get("a")).toBeUndefined();
    expect(await repository.take("a")).toBeUndefined();
    const writing = repository[write]("a", { n: 2 });
    await deletion.arrived(1);
    deletion.open();
    await writing;
    expect(await open().get("a")).toEqual({ n: 2 });
    await open().delete("a");
  }
});

it("a take that meets a newer value of another instance's set takes that one", async () => {
  const other = open();
  await other.set("a", { n: 1 });
  const service = toVaultService("pts_lost", { baseUrlTemplate: emulator.baseUrlTemplate });
  const late: VaultServiceLike = {
    secretStore: (request) => service.secretStore(request),
    async secretRotate(request) {
      await other.set("a", { n: 2 });
      return service.secretRotate(request);
    },
    getItem: (request) => service.getItem(request),
    getBulk: (search) => service.getBulk(search),
    delete: (id) => service.delete(id),
  };
  expect(await new PangeaVaultRepository(schema, late).take("a")).toEqual({ n: 2 });
  expect(await open().get("a")).toBeUndefined();
});

it("a Vault that withholds earlier versions leaves it unknown whose a repeated claim was", async () => {
  await open().set("a", { n: 1 });
  const service = repeating(async () => undefined);
  const withholding: VaultServiceLike = { ...service, getItem: ({ id }) => service.getItem({ id }) };
  expect(await outcomeOf(new PangeaVaultRepository(schema, withholding).take("a"))).toBe("unknown");
});
