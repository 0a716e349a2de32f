import type { Repository } from "../../src/storage/contract.ts";

/** A method of a repository. */
export type Method = keyof Repository<string, unknown>;

/** One held call. The test decides when the store does what was asked and when the caller hears of it. */
export class Gate {
  #call: { apply(): Promise<void>; answer(): Promise<void>; fail(error: unknown): void } | undefined;

  /** True once the call has come. */
  get arrived(): boolean {
    return this.#call !== undefined;
  }

  /** The store does what was asked; the caller is not told yet. */
  async apply(): Promise<void> {
    await this.#arrivedCall.apply();
  }

  /** The caller is told, after the store has done what was asked. */
  async answer(): Promise<void> {
    await this.#arrivedCall.answer();
  }

  /** The caller is told of a failure, whether or not the store has done what was asked. */
  fail(error: unknown): void {
    this.#arrivedCall.fail(error);
  }

  /** For the repository: holds a call. */
  admit<R>(run: () => Promise<R>): Promise<R> {
    let outcome: Promise<R> | undefined;
    const apply = (): Promise<R> => {
      outcome ??= run();
      return outcome;
    };
    return new Promise<R>((resolve, reject) => {
      this.#call = {
        apply: async () => {
          await apply();
        },
        answer: async () => {
          await apply().then(resolve, reject);
        },
        fail: reject,
      };
    });
  }

  get #arrivedCall() {
    if (this.#call === undefined) throw new Error("The call that this gate is for has not come.");
    return this.#call;
  }
}

/** Passes every call to the repository behind it, but for those that a test holds at a gate. Counts the calls. */
export class GatedRepository<K extends string, V> implements Repository<K, V> {
  readonly calls: Record<Method, number> = { get: 0, set: 0, delete: 0, take: 0, add: 0 };
  readonly #inner: Repository<K, V>;
  readonly #gates: Record<Method, Gate[]> = { get: [], set: [], delete: [], take: [], add: [] };
  #everyGate: Gate[] | undefined;

  constructor(inner: Repository<K, V>) {
    this.#inner = inner;
  }

  /** Holds every call from now on that has no gate of its own. Each adds its gate to the list. */
  holdEvery(): readonly Gate[] {
    this.#everyGate = [];
    return this.#everyGate;
  }

  /** Holds the next call of a method that is not held already. */
  hold(method: Method): Gate {
    const gate = new Gate();
    this.#gates[method].push(gate);
    return gate;
  }

  get(key: K): Promise<V | undefined> {
    return this.#pass("get", () => this.#inner.get(key));
  }

  set(key: K, value: V): Promise<void> {
    return this.#pass("set", () => this.#inner.set(key, value));
  }

  delete(key: K): Promise<boolean> {
    return this.#pass("delete", () => this.#inner.delete(key));
  }

  take(key: K): Promise<V | undefined> {
    return this.#pass("take", () => this.#inner.take(key));
  }

  add(key: K, value: V): Promise<boolean> {
    return this.#pass("add", () => this.#inner.add(key, value));
  }

  #pass<R>(method: Method, run: () => Promise<R>): Promise<R> {
    this.calls[method] += 1;
    const gate = this.#gates[method].shift() ?? this.#gateForAny();
    return gate === undefined ? run() : gate.admit(run);
  }

  #gateForAny(): Gate | undefined {
    if (this.#everyGate === undefined) return undefined;
    const gate = new Gate();
    this.#everyGate.push(gate);
    return gate;
  }
}
