import type { Repository } from "../../src/storage/contract.ts";
import { intercepted, type Method } from "./intercepted-repository.ts";

/** One held call. The test decides when the store does what was asked and when the caller hears of it. */
export class Gate {
  #call: { apply(): Promise<void>; answer(): Promise<void>; fail(error: unknown): void } | undefined;

  /** True once the call has come. */
  get arrived(): boolean {
    return this.#call !== undefined;
  }

  /**
   * Resolves once the call has come.
   *
   * @param caller - What makes the call. Where it ends without the call, this fails at once, and the test need not time out.
   */
  async arrival(caller?: Promise<unknown>): Promise<void> {
    let isOver = false;
    const end = () => {
      isOver = true;
    };
    caller?.then(end, end);
    while (!this.arrived) {
      if (isOver) throw new Error("The caller has come to its end without the call that this gate is for.");
      await new Promise((resolve) => setImmediate(resolve));
    }
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

/** A held read of the conformance suite: it arrives once the store has been read, and is released to its caller. */
export const heldRead = (gate: Gate) => ({
  arrived: () => gate.arrival().then(() => gate.apply()),
  release: () => gate.answer(),
});

/** A repository that counts its calls and passes them on, but for those that a test holds at a gate. */
export interface GatedRepository<K extends string, V> extends Repository<K, V> {
  readonly calls: Record<Method, number>;
  /** Holds the next call of any of these methods that is not held already. */
  hold(...methods: readonly Method[]): Gate;
  /** Holds every call from now on that has no gate of its own. Each adds its gate to the list. */
  holdEvery(): readonly Gate[];
}

/** Puts gates in front of a repository. */
export function gated<K extends string, V>(inner: Repository<K, V>): GatedRepository<K, V> {
  const calls = { get: 0, set: 0, delete: 0, take: 0, add: 0 };
  const waiting: { readonly methods: readonly Method[]; readonly gate: Gate }[] = [];
  let every: Gate[] | undefined;
  const gateFor = (method: Method): Gate | undefined => {
    const index = waiting.findIndex(({ methods }) => methods.includes(method));
    if (index >= 0) return waiting.splice(index, 1)[0]?.gate;
    if (every === undefined) return undefined;
    const gate = new Gate();
    every.push(gate);
    return gate;
  };
  const repository = intercepted(inner, (run, { method }) => {
    calls[method] += 1;
    return gateFor(method)?.admit(run) ?? run();
  });
  return {
    ...repository,
    calls,
    hold: (...methods) => {
      const gate = new Gate();
      waiting.push({ methods, gate });
      return gate;
    },
    holdEvery: () => {
      every = [];
      return every;
    },
  };
}
