import { expect, test } from "vitest";
import { StoresTogether } from "../../../src/storage/vault/stores-together.ts";
import { type PromiseWithResolvers, withResolvers } from "../../../src/storage/with-resolvers.ts";

const turnIsOver = () => new Promise((resolve) => setImmediate(resolve));

function storing() {
  const stores = new StoresTogether();
  const settled: string[] = [];
  const store = (name: string): PromiseWithResolvers<string> => {
    const answer = withResolvers<string>();
    const note = () => void settled.push(name);
    stores.store(() => answer.promise).then(note, note);
    return answer;
  };
  return { stores, settled, store };
}

test("stores of one turn are over together, when the last has been answered, by a failure too", async () => {
  const { settled, store } = storing();
  const one = store("one");
  // A store may begin some promises after the one before it, and still in its turn.
  for (let count = 0; count < 10; count += 1) await undefined;
  const other = store("other");
  one.resolve("stored");
  await turnIsOver();
  expect(settled).toEqual([]);
  other.reject(new RangeError("refused"));
  await turnIsOver();
  expect(settled).toEqual(["one", "other"]);
});

test("a store of a later turn neither waits for those before it nor holds them up", async () => {
  const { settled, store } = storing();
  const early = store("early");
  await turnIsOver();
  const [late, last] = [store("late"), store("last")];
  early.resolve("stored");
  await turnIsOver();
  expect(settled).toEqual(["early"]);
  late.resolve("stored");
  last.resolve("stored");
  await turnIsOver();
  expect(settled).toEqual(["early", "late", "last"]);
});

test("each store has its own outcome", async () => {
  const { stores } = storing();
  const failure = new RangeError("refused");
  const outcomes = [stores.store(async () => "stored"), stores.store(() => Promise.reject(failure))];
  expect(await Promise.allSettled(outcomes)).toMatchObject([{ value: "stored" }, { reason: failure }]);
});
