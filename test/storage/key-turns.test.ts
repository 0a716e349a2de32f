import { expect, test } from "vitest";
import { KeyTurns } from "../../src/storage/key-turns.ts";
import { withResolvers } from "../../src/storage/with-resolvers.ts";

test("operations on a key have their turns in the order in which they were asked for, however the ones before end", async () => {
  const turns = new KeyTurns();
  const steps: string[] = [];
  const gates = ["first", "second", "third"].map((name) => ({ name, gate: withResolvers<void>() }));
  const ended = Promise.allSettled(
    gates.map(({ name, gate }) =>
      turns.run("key", async () => {
        steps.push(`${name} begins`);
        await gate.promise;
        steps.push(`${name} ends`);
      }),
    ),
  );
  gates[2]?.gate.resolve();
  gates[1]?.gate.reject(new RangeError("second"));
  gates[0]?.gate.resolve();
  expect(await ended).toMatchObject([{ status: "fulfilled" }, { reason: new RangeError("second") }, {}]);
  expect(steps).toEqual(["first begins", "first ends", "second begins", "third begins", "third ends"]);
});

test("an operation that joins while another has its turn waits for the last one, not for the first", async () => {
  const turns = new KeyTurns();
  const second = withResolvers<void>();
  const steps: string[] = [];
  const first = turns.run("key", async () => {
    steps.push("first");
  });
  const waiting = turns.run("key", async () => {
    await second.promise;
    steps.push("second");
  });
  await first;
  const third = turns.run("key", async () => {
    steps.push("third");
  });
  second.resolve();
  await Promise.all([waiting, third]);
  expect(steps).toEqual(["first", "second", "third"]);
});

test("an operation begins at once where no other has the turn", async () => {
  const turns = new KeyTurns();
  for (const number of [1, 2]) {
    let begun = 0;
    const turn = turns.run("key", async () => {
      begun = number;
    });
    expect(begun).toBe(number);
    await turn;
  }
});
