import { expect, it } from "vitest";
import { answered, OverloadScene } from "../support/overload-scene.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();
const longestWait = 300;
const newScene = () => new OverloadScene(emulator.issuerUrl, { longestWait });

it("of many requests a few begin in a turn, so that those which have begun are answered", async () => {
  const scene = newScene();
  const people = await scene.people(8);
  const sent = people.map((person) => scene.refresh(person));
  await scene.loop.arrivals();
  const begun = answered(sent, 200);
  expect(begun).toBeGreaterThan(0);
  expect(begun).toBeLessThan(sent.length / 2);
  await scene.loop.turn();
  expect(answered(sent, 200)).toBe(2 * begun);
});

it("who has waited for too long is told to come back, and has cost the store nothing", async () => {
  const scene = newScene();
  const people = await scene.people(8);
  const reads = () => scene.refreshTokens.calls.get;
  const before = reads();
  const sent = people.map((person) => scene.refresh(person));
  await scene.loop.arrivals();
  const [begunAtOnce, ofThose] = [answered(sent, 200), reads() - before];
  expect(ofThose).toBeGreaterThan(0);
  scene.loop.now += longestWait + 1;
  await scene.loop.turn();
  const [served, refused] = [answered(sent, 200), sent.filter(({ status }) => status === 503)];
  expect(refused.length, "nobody waits on").toBe(sent.length - served);
  expect(refused.length).toBeGreaterThan(0);
  expect(reads() - before, "reads of those that were let in, and of nobody else").toBe(
    (ofThose / begunAtOnce) * served,
  );
  for (const { response } of refused) {
    expect(Number((await response).headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  }
});

it("no more than a bounded number of requests waits", async () => {
  const most = 2_000;
  const scene = newScene();
  const [person] = await scene.people(1);
  const sent = Array.from({ length: most + 10 }, () => scene.authorize(person?.clientId ?? ""));
  await scene.loop.arrivals();
  expect(answered(sent, 200)).toBeGreaterThan(0);
  const waiting = sent.filter(({ status }) => status === undefined);
  expect(waiting.length, "others are told at once").toBeLessThanOrEqual(most);
  expect(answered(sent, 200) + answered(sent, 503) + waiting.length).toBe(sent.length);
});

it("who has begun a login can end it, however many others want to begin one", async () => {
  const scene = newScene();
  const people = await scene.people(4);
  const beginning = Array.from({ length: 40 }, () => scene.authorize(people[0]?.clientId ?? ""));
  await scene.loop.arrivals();
  const continuing = people.map((person) => scene.refresh(person));
  await scene.loop.arrivals();
  for (let turn = 0; turn < 4; turn += 1) await scene.loop.turn();
  expect(answered(continuing, 200)).toBe(continuing.length);
  expect(beginning.filter(({ status }) => status === undefined).length).toBeGreaterThan(beginning.length / 2);
});
