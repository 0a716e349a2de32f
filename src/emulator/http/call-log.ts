/** One request that the emulator answered. */
export interface CallRecord {
  /** The path without its leading slash, ids replaced: `vault/v2/get_bulk`, `vault/request/{id}`, `v2/oauth/token`. */
  readonly endpoint: string;
  /** The service that answered: `vault` or `authn`. */
  readonly service: EmulatedService;
  /** When the request arrived, on a monotonic clock, in milliseconds. */
  readonly startedAt: number;
  /** When the reply was handed to the network, on the same clock, in milliseconds. */
  readonly endedAt: number;
  /** The HTTP status of the reply, or `undefined` where the connection was cut instead. */
  readonly httpStatus: number | undefined;
  /** The request ids that the SDK says this request retries (`X-Pangea-Retried-Request-Ids`). */
  readonly retryOf: readonly string[];
}

/** A service of the emulator. `authn` is both AuthN's service API and its OAuth server. */
export type EmulatedService = "vault" | "authn";

/**
 * Counts the calls made to the emulator. Counts are of requests that arrived, whatever came of them.
 *
 * @example
 * ```ts
 * emulator.calls.reset();
 * await repository.get(key);
 * emulator.calls.count("vault/v2/get_bulk"); // 1
 * emulator.calls.total("vault"); // 1
 * ```
 */
export interface CallLog {
  /** Calls to one endpoint, such as `vault/v2/get_bulk`. */
  count(endpoint: string): number;
  /** Calls to one service, or to all. */
  total(service?: EmulatedService): number;
  /** The count of every endpoint that was called. */
  snapshot(): Readonly<Record<string, number>>;
  /**
   * The longest chain of calls of which each arrived after the one before was answered: what a user waits for. Calls
   * that a client issued together count as one only if they overlap here, so give the emulator some latency
   * (`faults: [{ kind: "latency", milliseconds: 20 }]`) before reading much into it.
   */
  sequential(service?: EmulatedService): number;
  /** The latest calls that were answered, oldest first: at most 10,000 are kept. */
  recent(): readonly CallRecord[];
  /** Forgets everything. A call under way is counted no more. */
  reset(): void;
}

/** A call under way. */
export interface OpenCall {
  /** Records that the reply is being handed over. `undefined` means that the connection was cut. Later calls are ignored. */
  end(httpStatus: number | undefined): void;
}

const recentMaximum = 10_000;

interface Chain {
  readonly length: number;
  /** The tick at which the chain's last call ended. */
  readonly endedAt: number;
}

/** The {@link CallLog} that the emulator writes to. */
export class RecordingCallLog implements CallLog {
  readonly #now: () => number;
  #counts = new Map<string, number>();
  #totals = new Map<EmulatedService | "all", number>();
  #chains = new Map<EmulatedService | "all", Chain>();
  #recent: CallRecord[] = [];
  #generation = 0;
  /** Orders arrivals and replies strictly, which a clock of finite resolution does not. */
  #tick = 0;

  /** `now` reads a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Counts a request that has arrived. `retryOf` has the ids of the requests that it repeats. */
  begin(service: EmulatedService, endpoint: string, retryOf: readonly string[]): OpenCall {
    this.#counts.set(endpoint, this.count(endpoint) + 1);
    for (const key of [service, "all"] as const) this.#totals.set(key, this.total(key) + 1);
    const generation = this.#generation;
    const startedAt = this.#now();
    const startTick = ++this.#tick;
    let open = true;
    return {
      end: (httpStatus) => {
        if (!open) return;
        open = false;
        if (generation !== this.#generation) return;
        const endTick = ++this.#tick;
        for (const key of [service, "all"] as const) this.#extend(key, startTick, endTick);
        this.#recent.push({ endpoint, service, startedAt, endedAt: this.#now(), httpStatus, retryOf });
        // Trimmed by halves, so that the cost of a shift is paid rarely.
        if (this.#recent.length >= 2 * recentMaximum) this.#recent = this.recent();
      },
    };
  }

  count(endpoint: string): number {
    return this.#counts.get(endpoint) ?? 0;
  }

  total(service: EmulatedService | "all" = "all"): number {
    return this.#totals.get(service) ?? 0;
  }

  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([left], [right]) => (left < right ? -1 : 1)));
  }

  sequential(service: EmulatedService | "all" = "all"): number {
    return this.#chains.get(service)?.length ?? 0;
  }

  recent(): CallRecord[] {
    return this.#recent.slice(-recentMaximum);
  }

  reset(): void {
    this.#generation += 1;
    this.#counts.clear();
    this.#totals.clear();
    this.#chains.clear();
    this.#recent = [];
  }

  /** Calls end in the order of their ends, for which taking each that fits after the last taken gives the longest chain. */
  #extend(key: EmulatedService | "all", startTick: number, endTick: number): void {
    const { length, endedAt } = this.#chains.get(key) ?? { length: 0, endedAt: 0 };
    if (startTick > endedAt) this.#chains.set(key, { length: length + 1, endedAt: endTick });
  }
}
