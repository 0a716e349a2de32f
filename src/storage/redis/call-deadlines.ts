/** Something that waits for an answer until a deadline. */
export interface Expiring {
  /** Called once the deadline has come. It removes itself from the deadlines. */
  expire(): void;
  /** Ends it where nothing has been sent yet, since nobody waits any more. */
  close(): void;
}

/** A timeout is this many ticks long. */
const ticksPerTimeout = 20;

/**
 * The deadlines of the calls under way. All calls have the same time, so the order of their starts is the order of their
 * deadlines, and a Map keeps it. One timer ticks for all calls as long as there are any: a timer for each call would cost
 * more than the rest of the call. The clock is read for each call, since the last tick may be long ago where the event
 * loop was busy. A call is given up between 19 and 20 ticks after its start, or when the event loop next comes round.
 */
export class CallDeadlines {
  /** Milliseconds. */
  readonly #tickLength: number;
  /** Each call's deadline in milliseconds of `performance.now()`, the earliest first. */
  readonly #deadlines = new Map<Expiring, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param timeout - How long a call may take, in milliseconds. */
  constructor(timeout: number) {
    this.#tickLength = timeout / ticksPerTimeout;
  }

  /** True while no call is under way. */
  get isEmpty(): boolean {
    return this.#deadlines.size === 0;
  }

  /** The calls under way at the moment. */
  underWay(): Set<Expiring> {
    return new Set(this.#deadlines.keys());
  }

  /** Starts the deadline of a call. */
  add(call: Expiring): void {
    if (this.#timer === undefined) this.#arm();
    this.#deadlines.set(call, performance.now() + this.#tickLength * (ticksPerTimeout - 1));
  }

  /** Ends the deadline of a call that has its answer. */
  remove(call: Expiring): void {
    this.#deadlines.delete(call);
  }

  /** Closes the calls under way, in the order of their starts. */
  closeAll(): void {
    for (const call of this.#deadlines.keys()) call.close();
  }

  /** Stops the timer. Calls under way are no longer watched. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Looks again when the next tick begins. */
  #arm(): void {
    this.#timer = setTimeout(this.#onTick, Math.max(1, Math.floor(this.#tickLength)));
    this.#timer.unref();
  }

  readonly #onTick = (): void => {
    // Where no call waits, the next call finds out the time for itself.
    this.#timer = undefined;
    if (this.isEmpty) return;
    this.#arm();
    // Answers that came while the event loop was busy are read before any call is given up for want of one.
    setImmediate(this.#expireUntil, performance.now());
  };

  readonly #expireUntil = (now: number): void => {
    for (const [call, deadline] of this.#deadlines) {
      if (deadline >= now) return;
      call.expire();
    }
  };
}
