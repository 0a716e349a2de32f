/**
 * Holds requests until the test lets them go on.
 *
 * @example
 * ```ts
 * const gate = emulator.faults.hold("vault/v2/delete");
 * const takes = [repository.take(key), repository.take(key)];
 * await gate.arrived(2); // both are at the emulator, neither is carried out
 * gate.open();
 * await Promise.all(takes);
 * ```
 */
export interface Gate {
  /** How many requests have come to the gate, those let through included. */
  readonly arrivals: number;
  /** How many requests are held now. */
  readonly held: number;
  /** Resolves when that many requests have come to the gate since it was set up. */
  arrived(count: number): Promise<void>;
  /** Lets that many of the held requests go on, in the order of their arrival. The gate stays closed. Default: 1. */
  release(count?: number): void;
  /** Lets every held request go on, and those to come. */
  open(): void;
}

/** The {@link Gate} that the emulator puts in the way of requests. */
export class RequestGate implements Gate {
  readonly #onOpen: () => void;
  readonly #held = new Set<() => void>();
  readonly #waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  #arrivals = 0;
  #isOpen = false;

  /** `onOpen` is called once, when the gate opens for good. */
  constructor(onOpen: () => void) {
    this.#onOpen = onOpen;
  }

  get arrivals(): number {
    return this.#arrivals;
  }

  get held(): number {
    return this.#held.size;
  }

  /** Waits at the gate, until it lets this request through or the signal aborts. */
  pass(signal: AbortSignal): Promise<void> {
    this.#arrivals += 1;
    for (const { count, resolve } of this.#waiters) if (count <= this.#arrivals) resolve();
    if (this.#isOpen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const goOn = () => {
        this.#held.delete(goOn);
        signal.removeEventListener("abort", goOn);
        resolve();
      };
      this.#held.add(goOn);
      signal.addEventListener("abort", goOn);
    });
  }

  arrived(count: number): Promise<void> {
    if (this.#arrivals >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ count, resolve }));
  }

  release(count = 1): void {
    for (const goOn of [...this.#held].slice(0, count)) goOn();
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#onOpen();
    this.release(this.held);
  }
}
