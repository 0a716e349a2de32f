import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import { jsonOf } from "../../support/json-of.ts";
import { answered, OverloadScene, type Sent, statuses } from "../../support/overload-scene.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();
const newScene = (overload?: { longestWait: number } | false) => new OverloadScene(emulator.issuerUrl, overload);
const startsAtOnce = 2;
const mostTurns = 16;

let told: { readonly name: string; readonly event: unknown }[];
const listen = (event: unknown, name: string | symbol) =>
  void told.push({ name: String(name).replace("pangea-authn-fastmcp:", ""), event });
const channels = ["overloaded", "overload-ended", "outage"].map((name) => `pangea-authn-fastmcp:${name}`);
beforeEach(() => {
  told = [];
  for (const name of channels) subscribe(name, listen);
});
afterEach(() => {
  for (const name of channels) unsubscribe(name, listen);
});

describe("a process with more to do than it can do", () => {
  it("lets a few requests begin at a time, in the order in which they came", async () => {
    const scene = newScene();
    const people = await scene.people(7);
    const sent = people.map((person) => scene.refresh(person));
    await scene.loop.arrivals();
    const counts = [answered(sent, 200)];
    for (let turn = 0; turn < 4; turn += 1) {
      await scene.loop.turn();
      counts.push(answered(sent, 200));
      const begun = counts.at(-1) ?? 0;
      expect(statuses(sent)).toEqual(sent.map((_, index) => (index < begun ? 200 : undefined)));
    }
    expect(counts).toEqual([startsAtOnce, 2 * startsAtOnce, 3 * startsAtOnce, 7, 7]);
    expect(told).toEqual([]);
  });

  it("begins nothing while requests come, which Node takes one by one, and then not for ever", async () => {
    const scene = newScene();
    const people = await scene.people(3);
    const [first, second, third] = people;
    if (first === undefined || second === undefined || third === undefined) throw new Error("Somebody did not log in.");
    const waiting = [first, second, third].map((person) => scene.refresh(person))[2];
    const guarded = async () => expect(await scene.harness.mcpStatus(first.access_token)).toBe(200);
    let turns = 0;
    while (waiting?.status === undefined) {
      scene.refresh(third);
      await scene.loop.arrivals();
      await guarded();
      turns += 1;
      expect(turns).toBeLessThanOrEqual(mostTurns);
    }
    expect(turns).toBe(mostTurns);
  });

  it("refuses who has waited for too long, before anything was read or written for it", async () => {
    const scene = newScene({ longestWait: 300 });
    const people = await scene.people(6);
    const calls = { ...scene.refreshTokens.calls };
    const sent = people.map((person) => scene.refresh(person));
    await scene.loop.arrivals();
    const callsOfTwo = { ...scene.refreshTokens.calls };
    expect(callsOfTwo).not.toEqual(calls);
    scene.loop.now += 301;
    await scene.loop.turn();
    // Two began at once, two with the turn that came so late; the last two had waited for too long by then.
    expect(statuses(sent)).toEqual([200, 200, 200, 200, 503, 503]);
    const reads = callsOfTwo.get - calls.get;
    expect(scene.refreshTokens.calls.get - callsOfTwo.get, "calls for those that were let in only").toBe(reads);

    for (const { response } of sent.slice(4)) {
      const refused = await response;
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      expect(refused.headers.get("cache-control")).toBe("no-store");
      expect(await jsonOf(refused)).toMatchObject({ error: "temporarily_unavailable" });
    }
    // What was refused is unspent: each of them refreshes now, and the answer counts.
    scene.loop.runs = true;
    await scene.loop.turn();
    for (const person of people.slice(4)) {
      const again = await scene.harness.refresh(person);
      expect(again.status).toBe(200);
      const { refresh_token } = await jsonOf(again);
      expect((await scene.harness.refresh({ ...person, refresh_token })).status).toBe(200);
    }
  });

  it("leaves the code of a refused request to its client", async () => {
    const scene = newScene({ longestWait: 300 });
    const { client_id } = await scene.harness.register();
    const issued = await scene.harness.codeFor(client_id);
    const people = await scene.people(4);
    const before = people.map((person) => scene.refresh(person));
    const refused = scene.send(scene.harness.redeem(issued));
    await scene.loop.arrivals();
    scene.loop.now += 301;
    await scene.loop.turn();
    expect([...statuses(before), refused.status]).toEqual([200, 200, 200, 200, 503]);
    scene.loop.runs = true;
    await scene.loop.turn();
    expect((await scene.harness.redeem(issued)).status).toBe(200);
  });

  it("never makes a guarded call wait, and never refuses one", async () => {
    const scene = newScene({ longestWait: 300 });
    const people = await scene.people(4);
    const [person] = people;
    const sent = people.map((one) => scene.refresh(one));
    await scene.loop.arrivals();
    expect(statuses(sent)).toEqual([200, 200, undefined, undefined]);
    expect(await scene.harness.mcpStatus(person?.access_token ?? "")).toBe(200);
    scene.loop.now += 301;
    expect(await scene.harness.mcpStatus(person?.access_token ?? "")).toBe(200);
  });

  it("keeps the queue short once requests have waited without a pause, and takes a burst again after one", async () => {
    const scene = newScene({ longestWait: 500 });
    const people = await scene.people(1);
    const [person] = people;
    if (person === undefined) throw new Error("Nobody logged in.");
    // Begun many times, a refresh gets the same answer: how often is no matter here.
    const batch = (count: number) => Array.from({ length: count }, () => scene.refresh(person));
    const first = batch(30);
    await scene.loop.arrivals();
    for (let turn = 0; turn < 6; turn += 1) {
      scene.loop.now += 70;
      await scene.loop.turn();
    }
    expect(answered(first, 503), "who came in a burst may wait").toBe(0);
    for (let turn = 0; turn < 2; turn += 1) {
      scene.loop.now += 70;
      await scene.loop.turn();
    }
    expect(answered(first, 503), "the rest has waited for too long").toBe(30 - 9 * startsAtOnce);

    const standing = batch(8);
    await scene.loop.arrivals();
    // The queue was empty after the last turn: this is a burst again.
    scene.loop.now += 101;
    await scene.loop.turn();
    expect(answered(standing, 503)).toBe(0);
    for (let rest = 0; rest < 5; rest += 1) {
      standing.push(...batch(4));
      await scene.loop.arrivals();
      scene.loop.now += 101;
      await scene.loop.turn();
    }
    expect(answered(standing, 503), "after half a second without a pause, a tenth of one is enough").toBeGreaterThan(0);
    expect(standing.filter(({ status }) => status === undefined).length).toBeLessThanOrEqual(startsAtOnce);
  });

  it("lets steps of what has begun go first, and keeps every fourth start for who begins", async () => {
    const scene = newScene();
    const people = await scene.people(8);
    const client_id = people[0]?.clientId ?? "";
    const filling = people.slice(0, 2).map((person) => scene.refresh(person));
    const beginning = Array.from({ length: 4 }, () => scene.authorize(client_id));
    const continuing = people.slice(2).map((person) => scene.refresh(person));
    await scene.loop.arrivals();
    expect(statuses(filling)).toEqual([200, 200]);
    let turns = 0;
    while (answered(continuing, 200) < continuing.length) {
      await scene.loop.turn();
      turns += 1;
      expect(answered(beginning, 200)).toBeLessThanOrEqual(Math.ceil((turns * startsAtOnce) / 4));
    }
    expect(answered(beginning, 200), "new logins are not shut out").toBeGreaterThan(0);
    expect(answered(beginning, 200)).toBeLessThan(beginning.length);
    for (let turn = 0; turn < 3; turn += 1) await scene.loop.turn();
    expect(answered(beginning, 200)).toBe(beginning.length);
  });

  it("shows a page to a person who is refused, with what to do", async () => {
    const scene = newScene({ longestWait: 300 });
    const [person] = await scene.people(1);
    const sent = Array.from({ length: 5 }, () => scene.authorize(person?.clientId ?? ""));
    await scene.loop.arrivals();
    scene.loop.now += 301;
    await scene.loop.turn();
    expect(statuses(sent)).toEqual([200, 200, 200, 200, 503]);
    const refused = await sent[4]?.response;
    expect(refused?.headers.get("content-type")).toContain("text/html");
    expect(refused?.headers.get("retry-after")).toMatch(/^[1-5]$/);
    expect(refused?.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("tells the operator once when it begins and once when it is over, and of no outage", async () => {
    const scene = newScene({ longestWait: 300 });
    const people = await scene.people(8);
    const overload = async () => {
      const sent = people.map((person) => scene.refresh(person));
      await scene.loop.arrivals();
      scene.loop.now += 301;
      await scene.loop.turn();
      expect(answered(sent, 503)).toBe(4);
    };
    await overload();
    scene.loop.now += 1000;
    await scene.loop.turn();
    await overload();
    expect(told).toEqual([{ name: "overloaded", event: { waiting: 3 } }]);

    await scene.loop.turn();
    scene.loop.now += 5000;
    const [person] = people;
    if (person !== undefined) scene.refresh(person);
    await scene.loop.arrivals();
    expect(told.slice(1)).toEqual([{ name: "overload-ended", event: { refused: 8, seconds: 2 } }]);
  });

  it("tells those whom it refuses to come back at different times", async () => {
    const scene = newScene({ longestWait: 300 });
    const people = await scene.people(9);
    const sent = people.map((person) => scene.refresh(person));
    await scene.loop.arrivals();
    scene.loop.now += 301;
    await scene.loop.turn();
    const refused = await Promise.all(sent.filter(({ status }) => status === 503).map(({ response }) => response));
    expect(new Set(refused.map(({ headers }) => headers.get("retry-after")))).toEqual(
      new Set(["1", "2", "3", "4", "5"]),
    );
  });

  it("begins all at once where it is switched off", async () => {
    const scene = newScene(false);
    const people = await scene.people(7);
    const sent = people.map((person) => scene.refresh(person));
    await scene.loop.arrivals();
    expect(answered(sent, 200)).toBe(7);
  });
});

describe("a store that owes many answers", () => {
  it("begins nothing more, refuses who waits for too long, and goes on once the store answers", async () => {
    const scene = newScene({ longestWait: 300 });
    const [person] = await scene.people(1);
    if (person === undefined) throw new Error("Nobody logged in.");
    const gates = scene.refreshTokens.holdEvery();
    const sent: Sent[] = [];
    while (gates.length < 200) {
      sent.push(scene.refresh(person));
      await scene.loop.arrivals();
      await scene.loop.turn();
    }
    const held = gates.length;
    const late = scene.refresh(person);
    for (let turn = 0; turn < 3; turn += 1) await scene.loop.turn();
    expect(gates).toHaveLength(held);
    scene.loop.now += 301;
    await scene.loop.endDelays();
    await scene.loop.turn();
    expect(late.status).toBe(503);
    expect(answered(sent, 503), "who has begun is never refused").toBe(0);

    const next = scene.refresh(person);
    await scene.loop.arrivals();
    await scene.loop.turn();
    expect(next.status).toBeUndefined();
    expect(gates).toHaveLength(held);
    for (const gate of gates.slice(0, held)) gate.fail(new StorageUnavailableError("The store is out."));
    await scene.loop.arrivals();
    await scene.loop.turn();
    expect(gates.length, "the next one has begun").toBeGreaterThan(held);
    expect(answered(sent, 503)).toBe(sent.length);
    for (const gate of gates.slice(held)) gate.fail(new StorageUnavailableError("The store is out."));
  });

  it("goes on though some are never given, once their clients must have gone", async () => {
    const scene = newScene({ longestWait: 300 });
    const [person] = await scene.people(1);
    if (person === undefined) throw new Error("Nobody logged in.");
    const gates = scene.refreshTokens.holdEvery();
    while (gates.length < 200) {
      scene.refresh(person);
      await scene.loop.arrivals();
      await scene.loop.turn();
    }
    const held = gates.length;
    scene.loop.now += 9_999;
    scene.refresh(person);
    await scene.loop.arrivals();
    await scene.loop.turn();
    expect(gates).toHaveLength(held);
    scene.loop.now += 1;
    await scene.loop.endDelays();
    scene.refresh(person);
    await scene.loop.arrivals();
    await scene.loop.turn();
    expect(gates.length).toBeGreaterThan(held);
    for (const gate of gates) gate.fail(new StorageUnavailableError("The store is out."));
  });
});

it("longestWait is in milliseconds, and checked", () => {
  for (const longestWait of [0, -1, 3, 20_000, Number.NaN]) {
    expect(() => newScene({ longestWait })).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  }
});
