import { describe, expect, it } from "vitest";
import { RecordingCallLog } from "../../../src/emulator/http/call-log.ts";
import { startVault } from "../emulated-vault.ts";

const LIST = "vault/v2/list";

describe("counts", () => {
  it("are kept by endpoint, by service and in all", () => {
    const calls = new RecordingCallLog();
    calls.begin("vault", LIST, []);
    calls.begin("vault", LIST, []).end(200);
    calls.begin("authn", "v2/oauth/token", []).end(200);
    expect(calls.count(LIST)).toBe(2);
    expect(calls.count("vault/v2/get")).toBe(0);
    expect([calls.total("vault"), calls.total("authn"), calls.total()]).toEqual([2, 1, 3]);
    expect(calls.snapshot()).toEqual({ "v2/oauth/token": 1, [LIST]: 2 });
  });

  it("start anew after a reset, which a call under way does not disturb", () => {
    const calls = new RecordingCallLog();
    const open = calls.begin("vault", LIST, []);
    calls.reset();
    open.end(200);
    expect([calls.total(), calls.sequential(), calls.recent(), calls.snapshot()]).toEqual([0, 0, [], {}]);
  });

  it("take refused and unknown requests in", async () => {
    const { emulator, post } = await startVault();
    await post("vault/v2/get", {}, { token: "wrong" });
    await post("vault/v2/nothing", {});
    expect(emulator.calls.snapshot()).toEqual({ "vault/v2/get": 1, "vault/v2/nothing": 1 });
  });
});

describe("the record of a call", () => {
  it("says what was called, when, and what came of it", () => {
    let now = 5;
    const calls = new RecordingCallLog(() => now);
    const call = calls.begin("vault", LIST, ["prq_a"]);
    now = 12;
    call.end(200);
    call.end(500);
    expect(calls.recent()).toEqual([
      { service: "vault", endpoint: LIST, startedAt: 5, endedAt: 12, httpStatus: 200, retryOf: ["prq_a"] },
    ]);
  });

  it("is kept for the latest 10,000 only, while the counts go on", () => {
    const calls = new RecordingCallLog();
    for (let call = 0; call < 30_001; call += 1) calls.begin("vault", LIST, []).end(call);
    expect(calls.recent()).toHaveLength(10_000);
    expect(calls.recent().at(-1)?.httpStatus).toBe(30_000);
    expect([calls.count(LIST), calls.sequential()]).toEqual([30_001, 30_001]);
  });
});

describe("calls in sequence", () => {
  it("are as many as calls, where each waits for the one before", () => {
    const calls = new RecordingCallLog();
    for (let call = 0; call < 5; call += 1) calls.begin("vault", LIST, []).end(200);
    expect(calls.sequential()).toBe(5);
  });

  it("count calls that overlap as one", () => {
    const calls = new RecordingCallLog();
    calls.begin("vault", LIST, []).end(200);
    const together = [1, 2, 3].map(() => calls.begin("vault", LIST, []));
    for (const call of together) call.end(200);
    calls.begin("vault", LIST, []).end(200);
    expect(calls.sequential()).toBe(3);
  });

  it("are the longest chain, also beside a call that lasts", () => {
    const calls = new RecordingCallLog();
    const lasting = calls.begin("vault", LIST, []);
    for (let call = 0; call < 4; call += 1) calls.begin("vault", LIST, []).end(200);
    lasting.end(200);
    expect(calls.sequential()).toBe(4);
  });

  it("can be those of one service", () => {
    const calls = new RecordingCallLog();
    calls.begin("vault", LIST, []).end(200);
    calls.begin("authn", "v2/oauth/token", []).end(200);
    calls.begin("vault", LIST, []).end(200);
    expect([calls.sequential("vault"), calls.sequential("authn"), calls.sequential()]).toEqual([2, 1, 3]);
  });

  it("are one for requests that a client issues together and that take a while", async () => {
    const { emulator, post } = await startVault();
    const gate = emulator.faults.hold("vault");
    const together = Array.from({ length: 10 }, () => post(LIST, {}));
    await gate.arrived(10);
    gate.open();
    await Promise.all(together);
    await post(LIST, {});
    expect([emulator.calls.total("vault"), emulator.calls.sequential("vault")]).toEqual([11, 2]);
  });
});
