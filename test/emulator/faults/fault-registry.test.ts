import { PangeaErrors } from "pangea-node-sdk";
import { describe, expect, it } from "vitest";
import { ConfigurationError } from "../../../src/errors.ts";
import { refusal, refusalOf, startVault, TOKEN } from "../emulated-vault.ts";

const STORE = "vault/v2/secret/store";

describe("server-error", () => {
  it("leaves the request undone, unless committed", async () => {
    const { emulator, post } = await startVault();
    emulator.faults.inject({ kind: "server-error", httpStatus: 500, times: 1 });
    expect((await post(STORE, { name: "token", secret: "x" })).httpStatus).toBe(500);
    expect(emulator.vault.items()).toEqual([]);
  });

  it("carries the request out and spoils its reply, where committed", async () => {
    const { emulator, post } = await startVault();
    emulator.faults.inject({ kind: "server-error", httpStatus: 502, committed: true, times: 1 });
    const reply = await post(STORE, { name: "token", secret: "x" });
    expect(reply.httpStatus).toBe(502);
    expect(refusalOf(reply).status).toBe("InternalError");
    expect(emulator.vault.items()).toMatchObject([{ name: "token" }]);
  });

  it("makes the SDK itself repeat a write that was committed, naming the request it repeats", async () => {
    const { emulator, store } = await startVault();
    emulator.faults.inject({ kind: "server-error", httpStatus: 502, committed: true, times: 1 });
    expect(await refusal(store("token"))).toEqual({ status: "ValidationError", errors: ["BadState /name"] });
    expect(emulator.calls.count(STORE)).toBe(2);
    expect(emulator.calls.recent().map(({ httpStatus, retryOf }) => [httpStatus, retryOf])).toEqual([
      [502, []],
      [400, [expect.stringMatching(/^prq_[a-z2-7]{32}$/)]],
    ]);
  });

  it("is 503 unless told, which the SDK reports as temporarily unavailable", async () => {
    const { emulator, post } = await startVault({ faults: [{ kind: "server-error" }] });
    expect((await post(STORE, { secret: "x" })).httpStatus).toBe(503);
    expect(refusalOf(await post(STORE, { secret: "x" })).status).toBe("ServiceNotAvailable");
    expect(emulator.vault.items()).toEqual([]);
  });
});

describe("too-many-requests", () => {
  it("answers 429 with Retry-After, and does nothing", async () => {
    const { emulator, post } = await startVault();
    emulator.faults.inject({ kind: "too-many-requests", retryAfterSeconds: 7 });
    const reply = await post(STORE, { secret: "x" });
    expect(reply.httpStatus).toBe(429);
    expect(reply.headers.get("Retry-After")).toBe("7");
    expect(emulator.vault.items()).toEqual([]);
  });

  it("is the SDK's RateLimitError, which it does not repeat", async () => {
    const { emulator, store } = await startVault({ faults: [{ kind: "too-many-requests" }] });
    await expect(store("token")).rejects.toThrow(PangeaErrors.RateLimitError);
    expect(emulator.calls.total()).toBe(1);
  });
});

describe("html", () => {
  it("answers with a page that the SDK cannot read", async () => {
    const { emulator, post, store } = await startVault({ faults: [{ kind: "html", httpStatus: 200 }] });
    const reply = await post(STORE, { secret: "x" });
    expect(reply.headers.get("Content-Type")).toContain("text/html");
    expect(reply.text).toMatch(/^<!doctype html>/);
    await expect(store("token")).rejects.toThrow(SyntaxError);
    expect(emulator.vault.items()).toEqual([]);
  });

  it("can spoil the reply to a request that was carried out", async () => {
    const { emulator, post } = await startVault({ faults: [{ kind: "html", committed: true }] });
    expect((await post(STORE, { secret: "x" })).httpStatus).toBe(502);
    expect(emulator.vault.items()).toHaveLength(1);
  });
});

describe("connection-reset", () => {
  it.each([
    [false, 0],
    [true, 1],
  ])("with committed %s stores %i items", async (committed, stored) => {
    const { emulator, store } = await startVault();
    emulator.faults.inject({ kind: "connection-reset", committed, times: 1 });
    const error = await store("token").catch((error: unknown) => error);
    expect(error).toMatchObject({ cause: { code: "ECONNRESET" } });
    expect(emulator.vault.items()).toHaveLength(stored);
    expect(emulator.calls.recent()).toMatchObject([{ endpoint: STORE, httpStatus: undefined }]);
  });
});

describe("accepted", () => {
  const poll = async (location: string, token = TOKEN) => {
    const response = await fetch(location, { headers: { Authorization: `Bearer ${token}` } });
    return { httpStatus: response.status, body: JSON.parse(await response.text()) };
  };

  it("answers 202, and the result at the location after the polls given", async () => {
    const { emulator, post } = await startVault();
    emulator.faults.inject({ kind: "accepted", polls: 2, times: 1 });
    const accepted = await post(STORE, { name: "token", secret: "x" });
    const { request_id, status, result } = JSON.parse(accepted.text);
    expect([accepted.httpStatus, status]).toEqual([202, "Accepted"]);
    expect(result.location).toBe(`${emulator.url}/vault/request/${request_id}`);
    for (const retry_counter of [1, 2]) {
      const { httpStatus, body } = await poll(result.location);
      expect([httpStatus, body]).toMatchObject([202, { request_id, status: "Accepted", result: { retry_counter } }]);
    }
    const { httpStatus, body } = await poll(result.location);
    expect([httpStatus, body]).toMatchObject([200, { request_id, status: "Success", result: { name: "token" } }]);
    expect(emulator.calls.count("vault/request/{id}")).toBe(3);
  });

  it("is waited for by the SDK", async () => {
    const { emulator, store, vault } = await startVault();
    emulator.faults.inject({ kind: "accepted", times: 1 });
    const id = await store("token");
    expect((await vault.getItem({ id })).result.name).toBe("token");
    expect(emulator.calls.snapshot()).toEqual({ [STORE]: 1, "vault/request/{id}": 1, "vault/v2/get": 1 });
  });

  it("does not accept what is refused", async () => {
    const { post } = await startVault({ faults: [{ kind: "accepted" }] });
    expect((await post(STORE, {})).httpStatus).toBe(400);
  });

  it("gives nothing to a stranger or for an id that was never given out", async () => {
    const { emulator, post } = await startVault({ faults: [{ kind: "accepted" }] });
    const { result } = JSON.parse((await post(STORE, { secret: "x" })).text);
    expect((await poll(result.location, "wrong")).httpStatus).toBe(401);
    expect((await poll(`${emulator.url}/vault/request/prq_unknown`)).httpStatus).toBe(404);
  });
});

describe("latency", () => {
  it("lets the time drawn pass before each request", async () => {
    const drawn: number[] = [];
    const delay = async (milliseconds: number) => void drawn.push(milliseconds);
    const faults = [{ kind: "latency", milliseconds: { minimum: 10, maximum: 30 } }] as const;
    const { post } = await startVault({ seed: 7, faults, delay });
    for (let request = 0; request < 3; request += 1) await post("vault/v2/list", {});
    expect(drawn).toHaveLength(3);
    for (const milliseconds of drawn) expect(milliseconds).toBeGreaterThanOrEqual(10);
    expect(new Set(drawn).size).toBe(3);
  });

  it("delays the reply to a request that was carried out, where committed", async () => {
    const stored: number[] = [];
    const { emulator, post } = await startVault({ delay: async () => void stored.push(emulator.vault.items().length) });
    emulator.faults.inject({ kind: "latency", milliseconds: 5, committed: true });
    emulator.faults.inject({ kind: "latency", milliseconds: 5 });
    await post(STORE, { secret: "x" });
    expect(stored).toEqual([0, 1]);
  });

  it("passes on the real clock unless told otherwise", async () => {
    const { post } = await startVault({ faults: [{ kind: "latency", milliseconds: 30 }] });
    const started = performance.now();
    await post("vault/v2/list", {});
    expect(performance.now() - started).toBeGreaterThanOrEqual(29);
  });
});

describe("the scope of a fault", () => {
  const status = async (post: Awaited<ReturnType<typeof startVault>>["post"], endpoint = "vault/v2/list") =>
    (await post(endpoint, {})).httpStatus;

  it("is every endpoint, unless given", async () => {
    const { post } = await startVault({ faults: [{ kind: "server-error" }] });
    expect([await status(post), await status(post, "vault/v2/get_bulk")]).toEqual([503, 503]);
  });

  it("can be one endpoint, several, or a service", async () => {
    const { emulator, post } = await startVault();
    const fault = emulator.faults.inject({ kind: "server-error", on: "vault/v2/get_bulk" });
    expect([await status(post), await status(post, "vault/v2/get_bulk")]).toEqual([200, 503]);
    fault.clear();
    emulator.faults.inject({ kind: "server-error", on: ["vault/v2/delete", "vault/v2/list"], times: 1 });
    expect([await status(post, "vault/v2/get_bulk"), await status(post)]).toEqual([200, 503]);
    emulator.faults.inject({ kind: "server-error", on: "authn" });
    expect(await status(post)).toBe(200);
    emulator.faults.inject({ kind: "server-error", on: "vault" });
    expect(await status(post)).toBe(503);
  });

  it("can be a number of requests, which the fault counts", async () => {
    const { emulator, post } = await startVault();
    const fault = emulator.faults.inject({ kind: "server-error", times: 2 });
    expect([await status(post), await status(post), await status(post)]).toEqual([503, 503, 200]);
    expect(fault.strikes).toBe(2);
  });

  it("can be a share of the requests, the same for the same seed", async () => {
    const run = async (seed: number) => {
      const { emulator, post } = await startVault({ seed });
      const fault = emulator.faults.inject({ kind: "server-error", probability: 0.3 });
      const statuses: number[] = [];
      for (let index = 0; index < 200; index += 1) statuses.push(await status(post));
      expect(statuses.filter((code) => code === 503)).toHaveLength(fault.strikes);
      return { statuses, strikes: fault.strikes };
    };
    const first = await run(3);
    expect(first.strikes).toBeGreaterThan(40);
    expect(first.strikes).toBeLessThan(80);
    expect((await run(3)).statuses).toEqual(first.statuses);
  });

  it("never counts a request that another fault has answered", async () => {
    const { emulator, post } = await startVault();
    emulator.faults.inject({ kind: "server-error", times: 1 });
    emulator.faults.inject({ kind: "too-many-requests", times: 1 });
    expect([await status(post), await status(post), await status(post)]).toEqual([503, 429, 200]);
  });

  it("ends when the fault is cleared, or all are", async () => {
    const { emulator, post } = await startVault({ faults: [{ kind: "server-error" }] });
    emulator.faults.clear();
    expect(await status(post)).toBe(200);
    emulator.faults.inject({ kind: "server-error" }).clear();
    expect(await status(post)).toBe(200);
  });
});

describe("a fault that is none", () => {
  it.each([
    ["times", { kind: "server-error", times: 0 }],
    ["times", { kind: "server-error", times: 1.5 }],
    ["probability", { kind: "server-error", probability: 1.1 }],
    ["probability", { kind: "server-error", probability: Number.NaN }],
    ["milliseconds", { kind: "latency", milliseconds: -1 }],
    ["latency", { kind: "latency", milliseconds: { minimum: 2, maximum: 1 } }],
    ["latency", { kind: "latency", milliseconds: { median: 0, percentile99: 1 } }],
    ["milliseconds", { kind: "stale-get-bulk", milliseconds: Number.POSITIVE_INFINITY }],
    ["retryAfterSeconds", { kind: "too-many-requests", retryAfterSeconds: -1 }],
    ["polls", { kind: "accepted", polls: -1 }],
    ["httpStatus", { kind: "html", httpStatus: 204 }],
    ["on", { kind: "server-error", on: "vault/v2/getbulk" }],
    ["on", { kind: "server-error", on: ["/vault/v2/get"] }],
    ["httpStatus", { kind: "html", httpStatus: 99 }],
  ] as const)("is refused with a message that names %s: %j", async (property, fault) => {
    const { emulator } = await startVault();
    expect(() => emulator.faults.inject(fault)).toThrow(ConfigurationError);
    expect(() => emulator.faults.inject(fault)).toThrow(property);
  });

  it("is refused where its kind is unknown", async () => {
    const { emulator } = await startVault();
    // @ts-expect-error: the type refuses it too.
    expect(() => emulator.faults.inject({ kind: "sever-error" })).toThrow(ConfigurationError);
  });
});
