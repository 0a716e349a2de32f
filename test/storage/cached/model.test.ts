import fc from "fast-check";
import { expect, test } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { sha256Name } from "../../../src/storage/cached/invalidation.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
import { maxStaleness } from "../../support/cached-setup.ts";
import { type Gate, gated } from "../../support/gated-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type Numbered, StoreHistory } from "../../support/store-history.ts";
import { SwitchedInvalidationChannel } from "../../support/switched-invalidation-channel.ts";

const keys = ["a", "b"];
const key = fc.constantFrom(...keys);
const which = fc.nat({ max: 7 });

/** How long a record lives, in seconds; undefined for ever. */
const lifetime = fc.option(fc.integer({ min: 1, max: 90 }), { nil: undefined });

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("get"), key }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom("set", "add"), key, lifetime }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("delete", "take"), key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("apply"), which }) },
  { weight: 9, arbitrary: fc.record({ kind: fc.constant("answer"), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fail"), which }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("set elsewhere", "delete elsewhere"), key, announced: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait"), milliseconds: fc.integer({ min: 1, max: 50_000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("everything changed", "down", "up") }) },
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Plays steps on a cache whose every call of the backend is held at a gate, and judges each answer. */
class Play {
  readonly #clock = new ManualClock();
  readonly #history = new StoreHistory(new InMemoryRepository({ clock: this.#clock.read }), this.#clock.read);
  readonly #backend = gated(this.#history);
  readonly #held = this.#backend.holdEvery();
  readonly #channel = new SwitchedInvalidationChannel();
  readonly #cache: CachedRepository<string, Numbered>;
  /** When the store did what a held call asked. */
  readonly #applied = new Map<Gate, number>();
  readonly #over = new Set<Gate>();
  /** For each key, the moment before which nothing may be answered any more. */
  readonly #since = new Map<string, number>();
  readonly #connected: boolean;
  readonly #taken: number[] = [];
  readonly #outcomes: Promise<void>[] = [];
  #numbers = 0;

  constructor(connected: boolean) {
    this.#channel.switch("up");
    this.#cache = new CachedRepository(this.#backend, {
      max: 10,
      maxStaleness,
      clock: this.#clock.read,
      ...(connected && { invalidation: this.#channel }),
    });
    this.#connected = connected;
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const next of steps) {
      this.#step(next);
      await settled();
    }
    for (const gate of this.#held) this.#answer(gate);
    await Promise.all(this.#outcomes);
    for (const key of keys) this.#read(key);
    await settled();
    for (const gate of this.#held) this.#answer(gate);
    await Promise.all(this.#outcomes);
    expect(new Set(this.#taken).size).toBe(this.#taken.length);
  }

  #step(next: Step): void {
    this.#history.tick();
    switch (next.kind) {
      case "get":
        this.#read(next.key);
        break;
      case "set":
        this.#write(next.key, () => this.#cache.set(next.key, this.#record(next.lifetime)));
        break;
      case "add":
        this.#write(next.key, () => this.#cache.add(next.key, this.#record(next.lifetime)));
        break;
      case "delete":
        this.#write(next.key, () => this.#cache.delete(next.key));
        break;
      case "take":
        this.#write(next.key, async () => {
          const taken = await this.#cache.take(next.key);
          if (taken !== undefined) this.#taken.push(taken.number);
        });
        break;
      case "apply":
        this.#withGate(next.which, (gate) => this.#apply(gate));
        break;
      case "answer":
        this.#withGate(next.which, (gate) => this.#answer(gate));
        break;
      case "fail":
        this.#withGate(next.which, (gate) => {
          this.#over.add(gate);
          gate.fail(new StorageUnavailableError("The test cut the line."));
        });
        break;
      case "set elsewhere":
        this.#outcomes.push(this.#history.set(next.key, this.#record(undefined)));
        this.#announce(next.key, next.announced);
        break;
      case "delete elsewhere":
        this.#outcomes.push(this.#history.delete(next.key).then(() => {}));
        this.#announce(next.key, next.announced);
        break;
      case "wait":
        this.#clock.advance(next.milliseconds);
        break;
      case "everything changed":
        this.#channel.invalidate("all");
        this.#forgetAll();
        break;
      case "down":
      case "up":
        this.#channel.switch(next.kind);
        this.#forgetAll();
        break;
    }
  }

  #read(key: string): void {
    const since = this.#since.get(key) ?? 0;
    const started = this.#clock.read();
    const check = async (): Promise<void> => {
      const answer = await this.#cache.get(key).catch(() => "failed" as const);
      if (answer === "failed") return;
      if (answer?.expiresAt !== undefined) expect(answer.expiresAt * 1_000).toBeGreaterThan(started);
      const admitted = this.#history.admits(answer, { key, since, afterTime: started - maxStaleness });
      expect(admitted, `get("${key}") answered ${answer?.number}`).toBe(true);
    };
    this.#outcomes.push(check());
  }

  #write(key: string, write: () => Promise<unknown>): void {
    const gateIndex = this.#held.length;
    const outcome = write();
    const gate = this.#held[gateIndex];
    if (gate === undefined) throw new Error("A write did not reach the backend.");
    const done = outcome.then(
      () => this.#raise(key, this.#applied.get(gate) ?? 0),
      () => this.#raise(key, this.#history.tick()),
    );
    this.#outcomes.push(done);
  }

  #record(lifetimeSeconds: number | undefined): Numbered {
    this.#numbers += 1;
    const number = this.#numbers;
    return lifetimeSeconds === undefined ? { number } : { number, expiresAt: this.#clock.seconds(lifetimeSeconds) };
  }

  #withGate(index: number, act: (gate: Gate) => void): void {
    const open = this.#held.filter((gate) => !this.#over.has(gate));
    const gate = open[index % Math.max(1, open.length)];
    if (gate !== undefined) act(gate);
  }

  #apply(gate: Gate): void {
    if (this.#applied.has(gate)) return;
    this.#outcomes.push(gate.apply());
    this.#applied.set(gate, this.#history.tick());
  }

  #answer(gate: Gate): void {
    if (this.#over.has(gate)) return;
    this.#apply(gate);
    this.#over.add(gate);
    this.#outcomes.push(gate.answer());
  }

  #announce(key: string, announced: boolean): void {
    if (!announced || !this.#connected) return;
    this.#channel.invalidate([sha256Name(key)]);
    this.#raise(key, this.#history.tick());
  }

  #forgetAll(): void {
    if (this.#connected) for (const key of keys) this.#raise(key, this.#history.tick());
  }

  #raise(key: string, moment: number): void {
    this.#since.set(key, Math.max(this.#since.get(key) ?? 0, moment));
  }
}

/** Waits until nothing more happens by itself. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("whatever happens, no answer is older than what the cache knows of and than maxStaleness", async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { minLength: 10, maxLength: 60 }), async (connected, steps) => {
      await new Play(connected).play(steps);
    }),
    { seed: 20_250_601, numRuns: 1_000 },
  );
});
