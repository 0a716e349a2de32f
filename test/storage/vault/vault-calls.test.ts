import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConfigurationError } from "../../../src/errors.ts";
import { VaultCalls } from "../../../src/storage/vault/vault-calls.ts";
import type { VaultReply, VaultServiceLike } from "../../../src/storage/vault/vault-service.ts";

const timeout = 60_000;
const pauses: number[] = [];
beforeEach(() => {
  pauses.length = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Calls to a Vault whose every answer is the next of the given ones. A pause lets the time pass. */
function callsTo(answers: readonly (() => Promise<VaultReply>)[], random = 0) {
  const sent: unknown[] = [];
  const next = (request: unknown): Promise<VaultReply> => {
    sent.push(request);
    const answer = answers[Math.min(sent.length, answers.length) - 1];
    return answer === undefined ? Promise.reject(new Error("There is no answer.")) : answer();
  };
  const service: VaultServiceLike = {
    secretStore: next,
    secretRotate: next,
    getItem: next,
    getBulk: next,
    delete: next,
  };
  const delay = async (milliseconds: number): Promise<void> => {
    pauses.push(milliseconds);
    await vi.advanceTimersByTimeAsync(milliseconds);
  };
  return { sent, service, calls: new VaultCalls(service, { timeout, random: () => random, delay }) };
}

const answered = (result: unknown) => async () => ({ result });
const refusedWith = (status: string, headers?: Headers) => () =>
  Promise.reject(Object.assign(new Error("refused"), { response: { status, gotResponse: { headers } } }));
const cutOff = () => Promise.reject(new TypeError("fetch failed", { cause: { code: "ECONNRESET" } }));
const unreachable = () => Promise.reject(new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } }));
const never = () => new Promise<never>(() => {});
const item = { id: "pvi_a", name: "a", item_versions: [{ version: 1, secret: "text" }] };

describe("the pauses before a retry", () => {
  test.each([
    [0, [50, 100, 200, 400, 800, 1_600, 2_500, 2_500]],
    [1, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]],
  ])("with a draw of %d double up to a bound", async (random, expected) => {
    const { calls, sent } = callsTo([...expected.map(() => cutOff), answered(item)], random);
    expect(await calls.get("pvi_a")).toMatchObject({ text: "text" });
    expect(pauses).toEqual(expected);
    expect(sent).toHaveLength(expected.length + 1);
  });

  test.each([
    ["is as long as Vault asks for", "2", [2_000]],
    ["is the usual one where Vault asks for less", "0", [50]],
    ["is the usual one where Vault does not say", undefined, [50]],
  ])("%s", async (_, retryAfter, expected) => {
    const headers = new Headers(retryAfter === undefined ? {} : { "retry-after": retryAfter });
    const { calls } = callsTo([refusedWith("TooManyRequests", headers), answered(item)]);
    await calls.rotate("pvi_a", "text");
    expect(pauses).toEqual(expected);
  });

  test.each([
    ["a second less than the deadline", "59", true],
    ["the deadline, and then there is none", "60", false],
  ])("may be as long as %s", async (_, retryAfter, isRetried) => {
    const headers = new Headers({ "retry-after": retryAfter });
    const { calls } = callsTo([refusedWith("TooManyRequests", headers), answered(item)]);
    const outcome = await calls.get("pvi_a").catch((failure: unknown) => failure);
    expect(outcome).toMatchObject(isRetried ? { text: "text" } : { code: "ERR_STORAGE_RATE_LIMITED" });
  });
});

describe("a call that failed", () => {
  test.each<[string, () => Promise<VaultReply>, read: boolean, write: boolean]>([
    ["was cut off", cutOff, true, false],
    ["never arrived", unreachable, true, true],
    ["Vault refused for good", refusedWith("Unauthorized"), false, false],
    ["Vault refused for now", refusedWith("TooManyRequests"), true, true],
  ])("since it %s is sent again where that is safe and of use", async (_, failure, read, write) => {
    for (const [kind, expected] of [
      ["get", read],
      ["versions", read],
      ["delete", write],
    ] as const) {
      const { calls, sent } = callsTo([failure, answered(item)]);
      await calls[kind]("pvi_a").catch(() => undefined);
      expect(sent).toHaveLength(expected ? 2 : 1);
    }
    const search = callsTo([failure, answered({ items: [] })]);
    await search.calls.search({ size: 1 }).catch(() => undefined);
    expect(search.sent).toHaveLength(read ? 2 : 1);
  });

  test.each(["get", "delete"] as const)(
    "since something is set wrong is told as that, and a %s is not sent again",
    async (kind) => {
      const mistake = new ConfigurationError("The SDK is not installed.");
      const { calls, sent } = callsTo([() => Promise.reject(mistake), answered(item)]);
      await expect(calls[kind]("pvi_a")).rejects.toBe(mistake);
      expect(sent).toHaveLength(1);
    },
  );

  test("says of a read what an earlier try was told, rather than that the last one had no answer", async () => {
    const { calls, sent } = callsTo([unreachable, never]);
    const outcome = calls.get("pvi_a").catch((failure: unknown) => failure);
    while (sent.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(timeout);
    expect(await outcome).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
  });

  test.each(["get", "delete"] as const)("without an answer is a timeout of a %s", async (kind) => {
    const { calls } = callsTo([never]);
    const outcome = calls[kind]("pvi_a").catch((failure: unknown) => failure);
    await vi.advanceTimersByTimeAsync(timeout);
    expect(await outcome).toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect: "unknown" });
  });

  test("without an answer to the second try of a write is a timeout too, since that try may have had an effect", async () => {
    const { calls, sent } = callsTo([unreachable, never]);
    const outcome = calls.delete("pvi_a").catch((failure: unknown) => failure);
    while (sent.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(timeout);
    expect(await outcome).toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect: "unknown" });
  });
});

describe("an answer of Vault", () => {
  test("to a store is the item that was stored", async () => {
    const secret = { name: "a", secret: "text", folder: "/mcp" };
    const { calls, sent } = callsTo([answered({ id: "pvi_a", created_at: "2027-01-01T00:00:00Z" })]);
    const stored = { id: "pvi_a", name: "a", version: 1 };
    expect(await calls.store(secret)).toEqual({ ...stored, createdAt: "2027-01-01T00:00:00Z" });
    expect(sent).toEqual([{ type: "secret", ...secret }]);
    expect(await callsTo([answered({ id: "pvi_a" })]).calls.store(secret)).toEqual({ ...stored, createdAt: "" });
  });

  test("to a rotation is the newest version, and the old one is destroyed", async () => {
    const item_versions = [{ version: 2 }, { version: 3 }, { version: 1 }];
    const { calls, sent } = callsTo([answered({ ...item, item_versions })]);
    expect(await calls.rotate("pvi_a", "text")).toEqual({ version: 3, indexPlace: undefined });
    expect(sent).toEqual([{ id: "pvi_a", secret: "text", rotation_state: "destroyed" }]);
  });

  test("that there is no such item is none of a read, and an answer of its own to a write", async () => {
    const { calls } = callsTo([refusedWith("VaultItemNotFound")]);
    expect(await calls.get("pvi_a")).toBeUndefined();
    expect(await calls.versions("pvi_a")).toBeUndefined();
    expect(await calls.rotate("pvi_a", "text")).toEqual({ askedFor: 0 });
    expect(await calls.delete("pvi_a")).toEqual({ askedFor: 0 });
    expect(await callsTo([answered({})]).calls.delete("pvi_a")).toBe("deleted");
  });

  test("to a write is timed from the last request, since what was refused before had no effect", async () => {
    const slowly = async () => {
      await vi.advanceTimersByTimeAsync(700);
      return refusedWith("VaultItemNotFound")();
    };
    const { calls } = callsTo([refusedWith("TooManyRequests", new Headers({ "retry-after": "9" })), slowly]);
    expect(await calls.rotate("pvi_a", "text")).toEqual({ askedFor: 700 });
    expect(pauses).toEqual([9_000]);
  });

  test("to a read of all versions has them oldest first", async () => {
    const item_versions = [
      { version: 3, state: "active", secret: "c" },
      { version: 1, state: "destroyed" },
      { version: 2, state: "suspended", secret: "b" },
    ];
    const { calls, sent } = callsTo([answered({ ...item, item_versions })]);
    expect(await calls.versions("pvi_a")).toEqual([
      { version: 1, state: "destroyed", text: undefined },
      { version: 2, state: "suspended", text: "b" },
      { version: 3, state: "active", text: "c" },
    ]);
    expect(sent).toEqual([{ id: "pvi_a", version: "all" }]);
    await expect(callsTo([answered({})]).calls.versions("pvi_a")).rejects.toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
    });
  });

  test.each([
    ["a place and a mark", { indexed: "scheme", label1: "label", added: "mark" }, expect.any(String), "mark"],
    ["neither", { kind: "login" }, undefined, undefined],
  ])("to a store is an item with what its metadata has: %s", async (_, metadata, indexPlace, addedWith) => {
    const { calls } = callsTo([answered({ id: "pvi_a" })]);
    const stored = await calls.store({ name: "a", secret: "text", metadata });
    expect(stored).toStrictEqual({ id: "pvi_a", name: "a", version: 1, createdAt: "", indexPlace, addedWith });
  });

  test.each([
    ["no metadata", null, undefined],
    ["no place in the index", { kind: "login" }, undefined],
    ["a place in the index", { indexed: "scheme" }, expect.any(String)],
  ])("to a rotation is the newest version, and where the item has %s", async (_, metadata, indexPlace) => {
    const item_versions = [{ version: 2 }, { version: 3 }, { version: 1 }];
    const { calls, sent } = callsTo([answered({ ...item, item_versions, metadata })]);
    expect(await calls.rotate("pvi_a", "text")).toStrictEqual({ version: 3, indexPlace });
    expect(await calls.rotate("pvi_a", "text", "suspended")).toStrictEqual({ version: 3, indexPlace });
    const sentItem = { id: "pvi_a", secret: "text" };
    expect(sent).toEqual([
      { ...sentItem, rotation_state: "destroyed" },
      { ...sentItem, rotation_state: "suspended" },
    ]);
  });

  test("to a change of metadata is where the item is then, of a service that has such a call", async () => {
    const { calls: without, service } = callsTo([]);
    expect(without.canUpdate).toBe(false);
    await expect(without.update("pvi_a", {})).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    const sent: unknown[] = [];
    const metadata = { indexed: "scheme" };
    const answers = [answered({ ...item, metadata }), refusedWith("VaultItemNotFound")];
    const update = (request: unknown) => {
      sent.push(request);
      return answers[sent.length - 1]?.() ?? never();
    };
    const calls = new VaultCalls({ ...service, update }, { timeout, random: () => 0, delay: async () => {} });
    expect(calls.canUpdate).toBe(true);
    expect(await calls.update("pvi_a", metadata)).toStrictEqual({ version: 1, indexPlace: expect.any(String) });
    expect(await calls.update("pvi_a", metadata)).toEqual({ askedFor: 0 });
    expect(sent[0]).toEqual({ id: "pvi_a", metadata });
  });

  test("to a read is for the item that was asked for", async () => {
    const { calls, sent } = callsTo([answered(item)]);
    expect(await calls.get("pvi_a")).toMatchObject({ id: "pvi_a", name: "a", version: 1, text: "text" });
    expect(sent).toEqual([{ id: "pvi_a" }]);
  });

  test.each([
    ["store", answered({}), (calls: VaultCalls) => calls.store({ name: "a", secret: "text" })],
    ["rotation", answered({}), (calls: VaultCalls) => calls.rotate("pvi_a", "text")],
    ["read, of a folder", answered({ id: "pvi_a", name: "a" }), (calls: VaultCalls) => calls.get("pvi_a")],
    ["search", answered({}), (calls: VaultCalls) => calls.search({ size: 2 })],
  ])("that has another form is a failure of a %s", async (_, answer, call) => {
    await expect(call(callsTo([answer]).calls)).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
  });

  test("to a search has the secrets among the items, and a folder counts for the page alone", async () => {
    const folder = { id: "pvi_f", name: "folder" };
    const found = await callsTo([answered({ items: [folder, item], last: "next" })]).calls.search({ size: 2 });
    expect(found).toMatchObject({ secrets: [{ id: "pvi_a" }], last: "next" });
    expect(found.secrets).toHaveLength(1);
  });

  test.each([
    ["goes on after a full page", 2, { items: [item, item], last: "next" }, "next"],
    ["ends with a page that is not full", 2, { items: [item], last: "next" }, undefined],
    ["ends where Vault says no more", 2, { items: [item, item] }, undefined],
  ])("to a search %s", async (_, size, page, last) => {
    const found = await callsTo([answered(page)]).calls.search({ size });
    expect(found.secrets).toHaveLength(page.items.length);
    expect(found.last).toBe(last);
  });
});
