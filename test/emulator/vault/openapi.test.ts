import { Vault } from "pangea-node-sdk";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { START, startVault } from "../emulated-vault.ts";
import { isOracleHere, loadOracle } from "./openapi-oracle.ts";

/** One exchange with the emulated Vault, as it went over the wire. */
interface RecordedExchange {
  readonly path: string;
  readonly request: unknown;
  readonly httpStatus: number;
  readonly reply: unknown;
}

/** Records what anyone sends with the global `fetch`, the SDK included. */
function recordExchanges(baseUrl: string): readonly RecordedExchange[] {
  const exchanges: RecordedExchange[] = [];
  const { fetch } = globalThis;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const response = await fetch(input, init);
    const path = String(input)
      .slice(`${baseUrl}/vault`.length)
      .replace(/^\/request\/.*/, "/request/{requestId}");
    const request = typeof init?.body === "string" ? JSON.parse(init.body) : undefined;
    exchanges.push({ path, request, httpStatus: response.status, reply: await response.clone().json() });
    return response;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  return exchanges;
}

const BROAD = [
  "/request/{requestId}",
  "/v2/delete",
  "/v2/folder/create",
  "/v2/get",
  "/v2/get_bulk",
  "/v2/list",
  "/v2/secret/rotate",
  "/v2/secret/store",
  "/v2/state/change",
  "/v2/update",
];

// The document is not ours to copy: it lies beside the repository where the project is developed.
describe.skipIf(!isOracleHere)("by Pangea's OpenAPI document, ../shared/pangea-openapi/vault.openapi.json", () => {
  it("every request and reply of a broad scenario is right", async () => {
    const oracle = loadOracle();
    const { advance, emulator, post, store, vault } = await startVault();
    const exchanges = recordExchanges(emulator.url);
    const ignore = () => undefined;

    const { result: folder } = await vault.folderCreate({
      name: "one",
      folder: "apps",
      metadata: { a: "b" },
      tags: ["c"],
    });
    const id = await store("token", {
      folder: "apps/one",
      metadata: { kind: "access" },
      tags: ["red"],
      disabled_at: new Date(START + 5000).toISOString(),
    });
    await store("other", { folder: "apps/one" });
    await store("other", { folder: "apps/one" }).catch(ignore);
    advance(1000);
    for (const rotation_state of [Vault.ItemVersionState.DESTROYED, Vault.ItemVersionState.SUSPENDED]) {
      await vault.secretRotate({ id, secret: "another", rotation_state });
    }
    await vault.secretRotate({ id, secret: "the last" });
    for (const version of [undefined, 1, "-2", "-2:", "all", 9]) {
      await vault.getItem({ id, ...(version === undefined ? {} : { version }) }).catch(ignore);
    }
    await vault.getItem({ id: folder.id });
    await vault.stateChange({ id, version: 2, state: Vault.ItemVersionState.COMPROMISED, destroy_period: "1d" });
    await vault.stateChange({ id, version: 1, state: Vault.ItemVersionState.ACTIVE }).catch(ignore);
    const first = await vault.list({ filter: { created_at__gte: "2026-01-01" }, size: 2, order: Vault.ItemOrder.DESC });
    await vault
      .list({ filter: { created_at__gte: "2026-01-01" }, size: 2, last: first.result.last ?? "" })
      .catch(ignore);
    await vault.getBulk({
      filter: { folder: "apps/one", name__in: ["token", "other"] },
      order_by: Vault.ItemOrderBy.NAME,
    });
    await vault.getBulk({});
    await vault.getBulk({ filter: { name__like: "x" } }).catch(ignore);
    await post("vault/v2/get_bulk", { version: { [id]: 2 } });
    await vault.update({ id, name: "renamed", folder: "elsewhere", enabled: false, tags: [], metadata: {} });
    await vault.update({ id: folder.id, name: "two" });
    await vault.update({ id, disabled_at: new Date(START + 9000).toISOString() });
    advance(10_000);
    await vault.getItem({ id });
    await vault.delete(folder.id).catch(ignore);
    await post("vault/v2/delete", { id: folder.id, recursive: true });
    await vault.delete(id);
    await vault.delete(id).catch(ignore);
    await post("vault/v2/list", {}, { token: "wrong" });
    emulator.faults.inject({ kind: "accepted", polls: 1, times: 1 });
    const accepted = JSON.parse((await post("vault/v2/secret/store", { secret: "x" })).text);
    for (let poll = 0; poll < 2; poll += 1) {
      await fetch(accepted.result.location, { headers: { Authorization: "Bearer pts_demo" } });
    }
    for (const kind of ["server-error", "too-many-requests"] as const) {
      emulator.faults.inject({ kind, times: 1 });
      await post("vault/v2/list", {});
    }

    expect([...new Set(exchanges.map(({ path }) => path))].sort()).toEqual(BROAD);
    expect([...new Set(exchanges.map(({ httpStatus }) => httpStatus))].sort()).toEqual([
      200, 202, 400, 401, 404, 429, 503,
    ]);
    for (const { path, request, httpStatus, reply } of exchanges) {
      if (request !== undefined) expect([path, oracle.requestProblems(path, request)]).toEqual([path, []]);
      expect([path, httpStatus, oracle.replyProblems(path, httpStatus, reply)]).toEqual([path, httpStatus, []]);
    }
  });

  it("a reply with a property that is not documented, or without one that is required, is wrong", async () => {
    const oracle = loadOracle();
    const { post } = await startVault();
    const { httpStatus, text } = await post("vault/v2/secret/store", { secret: "x" });
    const reply = JSON.parse(text);
    const { request_id: _, ...anonymous } = reply;
    expect(oracle.replyProblems("/v2/secret/store", httpStatus, anonymous)).toEqual([
      expect.stringContaining("request_id"),
    ]);
    const surplus = { ...reply, result: { ...reply.result, secret: "x" } };
    expect(oracle.replyProblems("/v2/secret/store", httpStatus, surplus)).toEqual(["secret is not documented"]);
  });

  it.each<[string, unknown]>([
    ["/v2/secret/store", { name: "x" }],
    ["/v2/secret/store", { secret: "" }],
    ["/v2/secret/store", { secret: "x".repeat(10_241) }],
    ["/v2/secret/store", { secret: "x", folder: "a+b" }],
    ["/v2/secret/store", { secret: "x", metadata: { a: 1 } }],
    ["/v2/secret/store", { secret: "x", tags: "a" }],
    ["/v2/secret/store", { secret: "x", disabled_at: "soon" }],
    ["/v2/secret/rotate", { id: "pvi_x", secret: "x" }],
    ["/v2/secret/rotate", { id: `pvi_${"a".repeat(32)}`, secret: "x", name: "y" }],
    ["/v2/secret/rotate", { id: `pvi_${"a".repeat(32)}`, secret: "x", rotation_state: "active" }],
    ["/v2/get", {}],
    ["/v2/get", { id: `pvi_${"a".repeat(32)}`, verbose: true }],
    ["/v2/get_bulk", { size: 101 }],
    ["/v2/get_bulk", { filter: [] }],
    ["/v2/list", { order: "up" }],
    ["/v2/list", { order_by: "colour" }],
    ["/v2/update", { id: `pvi_${"a".repeat(32)}`, tags: "a" }],
    ["/v2/delete", { id: `pvi_${"a".repeat(32)}`, force: true }],
    ["/v2/state/change", { id: `pvi_${"a".repeat(32)}`, state: "gone" }],
    ["/v2/state/change", { id: `pvi_${"a".repeat(32)}`, state: "active", version: 0 }],
    ["/v2/folder/create", { name: "x" }],
    ["/v2/folder/create", { name: "a+b", folder: "/" }],
  ])("%s refuses what the document does not allow, with an error that it does: %#", async (path, body) => {
    const oracle = loadOracle();
    const { post } = await startVault();
    const { httpStatus, text } = await post(`vault${path}`, body);
    expect(oracle.requestProblems(path, body)).not.toEqual([]);
    expect(httpStatus).toBe(400);
    expect(oracle.replyProblems(path, 400, JSON.parse(text))).toEqual([]);
  });
});
