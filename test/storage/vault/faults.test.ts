import { inspect } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Fault, startPangeaEmulator } from "../../../src/emulator.ts";
import { toVaultService } from "../../../src/storage/vault/connect.ts";
import { PangeaVaultRepository, type VaultServiceLike } from "../../../src/vault.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator({ authn: false });
beforeEach(() => {
  emulator.faults.clear();
  emulator.vault.clear();
});

const schema = z.object({ secret: z.string() });
const record = { secret: "confidential" };
const token = "pts_verysecrettoken";
const pauses: number[] = [];
function open(options = {}) {
  pauses.length = 0;
  const internals = { random: () => 1, delay: async (milliseconds: number) => void pauses.push(milliseconds) };
  const { baseUrlTemplate } = emulator;
  return new PangeaVaultRepository(schema, token, { baseUrlTemplate, folder: "/faults", ...options }, internals);
}

/** The error of a call, after a look for secrets in it and in everything that hangs on it. */
async function failureOf(call: Promise<unknown>): Promise<unknown> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Error);
  const everything = inspect(outcome, { depth: 20, showHidden: true });
  expect(everything).not.toContain("confidential");
  expect(everything).not.toContain(token);
  return outcome;
}

describe("a request that Vault refuses for now", () => {
  it("is repeated after the time that Vault asks for", async () => {
    const repository = open();
    emulator.faults.inject({ kind: "too-many-requests", retryAfterSeconds: 2, times: 2 });
    await repository.set("a", record);
    expect(pauses).toEqual([2000, 2000]);
    expect(await repository.get("a")).toEqual(record);
  });

  it("is an error with that time where it does not fit the deadline", async () => {
    emulator.faults.inject({ kind: "too-many-requests", retryAfterSeconds: 60 });
    expect(await failureOf(open().set("a", record))).toMatchObject({
      code: "ERR_STORAGE_RATE_LIMITED",
      effect: "none",
      retryAfterSeconds: 60,
    });
    expect(pauses).toEqual([]);
  });
});

describe("a broken connection", () => {
  it("is survived by a read", async () => {
    const repository = open();
    await repository.set("a", record);
    emulator.faults.inject({ kind: "connection-reset", times: 2 });
    expect(await repository.get("a")).toEqual(record);
    expect(pauses).toEqual([100, 200]);
  });

  it("leaves it open whether a write took effect, so the write is not repeated", async () => {
    emulator.faults.inject({ kind: "connection-reset", committed: true, times: 1 });
    const repository = open();
    expect(await failureOf(repository.set("a", record))).toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
      effect: "unknown",
    });
    expect(emulator.calls.count("vault/v2/secret/store")).toBeGreaterThan(0);
    expect(await repository.get("a")).toEqual(record);
  });

  it("leaves no doubt about a take", async () => {
    const repository = open();
    await repository.set("a", record);
    emulator.faults.inject({ kind: "connection-reset", committed: true, on: "vault/v2/secret/rotate", times: 1 });
    expect(await repository.take("a")).toEqual(record);
    expect(await repository.take("a")).toBeUndefined();
  });

  it("never hands out what a take without a claim may have deleted", async () => {
    const repository = open({ strictTake: false });
    await repository.set("a", record);
    emulator.faults.inject({ kind: "connection-reset", committed: true, on: "vault/v2/delete", times: 1 });
    expect(await failureOf(repository.take("a"))).toMatchObject({ effect: "unknown" });
    expect(await repository.take("a")).toBeUndefined();
  });

  it("that was refused had no effect, and a write may be repeated", async () => {
    const gone = await startPangeaEmulator({ authn: false });
    const { baseUrlTemplate } = gone;
    await gone.close();
    const repository = open({ baseUrlTemplate, timeout: 300 });
    const failure = await failureOf(repository.set("a", record));
    expect(failure).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    expect(pauses.length).toBeGreaterThan(0);
  });
});

describe("an answer that is no answer", () => {
  it.each<[string, Fault, string]>([
    ["HTML with 200", { kind: "html", httpStatus: 200 }, "ERR_STORAGE_UNAVAILABLE"],
    ["503", { kind: "server-error", httpStatus: 503 }, "ERR_STORAGE_UNAVAILABLE"],
    ["501", { kind: "server-error", httpStatus: 501 }, "ERR_STORAGE_UNAVAILABLE"],
  ])("such as %s is an outage of every method", async (_, fault, code) => {
    const repository = open({ timeout: 4000 });
    emulator.faults.inject(fault);
    const outcomes = await Promise.all([
      failureOf(repository.get("a")),
      failureOf(repository.set("a", record)),
      failureOf(repository.take("a")),
      failureOf(repository.delete("a")),
    ]);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ code });
  });

  it("that comes after the deadline is not waited for, and its outcome is unknown", async () => {
    const repository = open({ timeout: 50 });
    const gate = emulator.faults.hold("vault/v2/secret/store");
    const failure = await failureOf(repository.set("a", record));
    expect(failure).toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect: "unknown" });
    gate.open();
  });

  it("of 202 is polled for", async () => {
    emulator.faults.inject({ kind: "accepted", times: 1 });
    const repository = open();
    await repository.set("a", record);
    expect(await repository.get("a")).toEqual(record);
  });
});

describe("a write that was carried out though the answer said 502", () => {
  const committed = (on: string): Fault => ({ kind: "server-error", httpStatus: 502, committed: true, on, times: 1 });

  it("of a new record is found again", async () => {
    const repository = open();
    emulator.faults.inject(committed("vault/v2/secret/store"));
    await repository.set("a", record);
    expect(await repository.get("a")).toEqual(record);
    expect(emulator.vault.items()).toHaveLength(1);
  });

  it("of a known record is written twice with the same value", async () => {
    const repository = open();
    await repository.set("a", { secret: "old" });
    emulator.faults.inject(committed("vault/v2/secret/rotate"));
    await repository.set("a", record);
    expect(await repository.get("a")).toEqual(record);
  });

  it.each(["vault/v2/delete", "vault/v2/secret/rotate"])("of a take gives the record to its caller: %s", async (on) => {
    const repository = open();
    await repository.set("a", record);
    emulator.faults.inject(committed(on));
    expect(await repository.take("a")).toEqual(record);
    expect(await repository.get("a")).toBeUndefined();
    expect(await repository.take("a")).toBeUndefined();
  });

  it("of a take without a claim burns the record: nobody gets it", async () => {
    const repository = open({ strictTake: false });
    await repository.set("a", record);
    emulator.faults.inject(committed("vault/v2/delete"));
    expect(await repository.take("a")).toBeUndefined();
    expect(await repository.get("a")).toBeUndefined();
  });
});

describe("a take whose record is written to meanwhile", () => {
  /** Two instances; the first one's next rotation waits until the second has done something. */
  function openTwo(meanwhile: (other: ReturnType<typeof open>) => Promise<unknown>) {
    const other = open();
    const service = toVaultService(token, { baseUrlTemplate: emulator.baseUrlTemplate });
    const gated: VaultServiceLike = {
      secretStore: (request) => service.secretStore(request),
      secretRotate: async (request) => {
        await meanwhile(other);
        return service.secretRotate(request);
      },
      getItem: (request) => service.getItem(request),
      getBulk: (search) => service.getBulk(search),
      delete: (id) => service.delete(id),
    };
    const options = { folder: "/faults" };
    return { other, repository: new PangeaVaultRepository(schema, gated, options, { delay: async () => {} }) };
  }

  it("takes the value that it overwrote", async () => {
    const { repository, other } = openTwo((instance) => instance.set("a", { secret: "newer" }));
    await other.set("a", record);
    expect(await repository.take("a")).toEqual({ secret: "newer" });
    expect(await other.get("a")).toBeUndefined();
  });

  it("does not call what it overwrote absent, where nobody can tell any more what that was", async () => {
    const { repository, other } = openTwo(async (instance) => {
      await instance.set("a", { secret: "newer" });
      await instance.set("a", { secret: "newest" });
    });
    await other.set("a", record);
    expect(await failureOf(repository.take("a"))).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });
    expect(await other.get("a")).toBeUndefined();
  });

  it("gets nothing where another has taken it", async () => {
    const taken: unknown[] = [];
    const { repository, other } = openTwo(async (instance) => taken.push(await instance.take("a")));
    await other.set("a", record);
    expect(await repository.take("a")).toBeUndefined();
    expect(taken).toEqual([record]);
  });
});

describe("an outage", () => {
  const paths = ["vault/v2/get_bulk", "vault/v2/secret/rotate", "vault/v2/delete"];
  it.each(paths)("is never read as an absent record by a take: %s", async (on) => {
    const repository = open({ timeout: 300 });
    await repository.set("a", record);
    emulator.faults.inject({ kind: "server-error", httpStatus: 501, on });
    // The claim decides. What stands in the record's place may stay.
    if (on === "vault/v2/delete") expect(await repository.take("a")).toEqual(record);
    else expect(await failureOf(repository.take("a"))).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    emulator.faults.clear();
    expect(await repository.take("a")).toEqual(on === "vault/v2/delete" ? undefined : record);
  });

  it("ends every read of one turn", async () => {
    const repository = open({ timeout: 300 });
    emulator.faults.inject({ kind: "server-error", httpStatus: 501 });
    for (const failure of await Promise.all([failureOf(repository.get("a")), failureOf(repository.get("b"))])) {
      expect(failure).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    }
  });
});

describe("a Vault that behaves in a way that the documents leave open", () => {
  it("shows what this instance wrote though searches lag behind", async () => {
    const repository = open();
    emulator.faults.inject({ kind: "stale-get-bulk", milliseconds: 60_000 });
    await repository.set("a", record);
    expect(await repository.get("a")).toEqual(record);
    expect(await repository.take("a")).toEqual(record);
    expect(await repository.get("a")).toBeUndefined();
  });

  it("shows the newer of two writes of this instance though searches show the older", async () => {
    const repository = open();
    await repository.set("a", { secret: "older" });
    emulator.faults.inject({ kind: "stale-get-bulk", milliseconds: 60_000 });
    await repository.set("a", record);
    expect(await open().get("a")).toEqual({ secret: "older" });
    expect(await repository.get("a")).toEqual(record);
    expect(await repository.take("a")).toEqual(record);
  });

  it("may let names repeat: the newest counts, and none is left behind", async () => {
    const [one, other] = [open(), open()];
    emulator.faults.inject({ kind: "duplicate-names" });
    await one.set("a", { secret: "older" });
    await other.set("a", record);
    expect(emulator.vault.items()).toHaveLength(2);
    expect(await open().get("a")).toEqual(record);
    expect(await open().take("a")).toEqual(record);
    await expect.poll(() => emulator.vault.items()).toHaveLength(0);
  });

  it("may delete an item twice: a take still has one winner", async () => {
    const instances = [open(), open()];
    emulator.faults.inject({ kind: "idempotent-delete" });
    for (let round = 0; round < 10; round += 1) {
      await instances[0]?.set("a", record);
      const taken = await Promise.all(Array.from({ length: 20 }, (_, index) => instances[index % 2]?.take("a")));
      expect(taken.filter((value) => value !== undefined)).toHaveLength(1);
    }
  });

  it("may refuse names with a slash: a clear error", async () => {
    emulator.faults.inject({ kind: "refuse-slash-in-name" });
    expect(await failureOf(open().set("a/b", record))).toMatchObject({ code: "ERR_STORAGE_REJECTED", effect: "none" });
  });
});

describe("a mistake", () => {
  it("in the token is told as such", async () => {
    const repository = new PangeaVaultRepository(schema, "pts_WRONG", { baseUrlTemplate: emulator.baseUrlTemplate });
    expect(await failureOf(repository.get("a"))).toMatchObject({ code: "ERR_STORAGE_UNAUTHORIZED" });
    expect(await failureOf(repository.set("a", record))).toMatchObject({ code: "ERR_STORAGE_UNAUTHORIZED" });
  });

  it("in the size of a value is told before any call", async () => {
    const repository = open();
    emulator.calls.reset();
    const failure = await failureOf(repository.set("a", { secret: "confidential".repeat(1000) }));
    expect(failure).toMatchObject({ code: "ERR_RECORD_TOO_LARGE" });
    expect(emulator.calls.total()).toBe(0);
  });

  it.each([
    { folder: "a*b" },
    { kind: "Access Token" },
    { timeout: 0 },
    { timeout: 2 ** 31 },
    { maxKnownIds: 0 },
    { maxKnownIds: Number.MAX_SAFE_INTEGER },
    { baseUrlTemplate: "http://localhost" },
  ])("in the options is refused: %j", (options) => {
    const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });
    expect(() => new PangeaVaultRepository(schema, "pts_x", options)).toThrow(refusal);
  });

  it("such as an empty token is refused", () => {
    const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });
    expect(() => new PangeaVaultRepository(schema, "")).toThrow(refusal);
  });
});

it("rejects every call once it is closed", async () => {
  const repository = open();
  await repository[Symbol.asyncDispose]();
  expect(await failureOf(repository.get("a"))).toMatchObject({ code: "ERR_STORAGE_CLOSED" });
});
