/** Something that waits for an answer until a deadline, and its place among the others that do. */
export abstract class Expiring {
  /** When it gives up, in milliseconds of `performance.now()`. */
  deadline = 0;
  /** The one that waits since before it. */
  previous: Expiring | undefined = undefined;
  /** The one that waits since after it. */
  next: Expiring | undefined = undefined;
  /** True while it waits. */
  isWaiting = false;

  /** Called once the deadline has come. */
  abstract expire(): void;
  /** Ends it where nothing has been done yet, since nobody waits any more. */
  abstract close(): void;
}

/** A timeout is this many ticks long. */
const ticksPerTimeout = 20;

/**
 * The deadlines of the calls under way, all of the same length, so in the order of their starts. They are their own list,
 * and one timer ticks for them all as long as there are any: a timer for each call would cost more than the rest of it.
 * The clock is read for each, since the last tick may be long ago where the event loop was busy. A call is given up
 * between 19 and 20 ticks after its start, or when the event loop next comes round.
 */
export class CallDeadlines {
  /** Milliseconds. */
  readonly #tickLength: number;
  #first: Expiring | undefined;
  #last: Expiring | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param timeout - How long a call may take, in milliseconds. */
  constructor(timeout: number) {
    this.#tickLength = timeout / ticksPerTimeout;
  }

  /** True while no call is under way. */
  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** Starts the deadline of a call. */
  add(call: Expiring): void {
    if (this.#timer === undefined) this.#arm();
    call.deadline = performance.now() + this.#tickLength * (ticksPerTimeout - 1);
    call.isWaiting = true;
    call.previous = this.#last;
    if (this.#last === undefined) this.#first = call;
    else this.#last.next = call;
    this.#last = call;
  }

  /** Ends the deadline of a call that has its answer. */
  remove(call: Expiring): void {
    if (!call.isWaiting) return;
    call.isWaiting = false;
    if (call.previous === undefined) this.#first = call.next;
    else call.previous.next = call.next;
    if (call.next === undefined) this.#last = call.previous;
    else call.next.previous = call.previous;
    call.previous = undefined;
    call.next = undefined;
  }

  /** Closes the calls under way, in the order of their starts. */
  closeAll(): void {
    const calls: Expiring[] = [];
    for (let call = this.#first; call !== undefined; call = call.next) calls.push(call);
    for (const call of calls) call.close();
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
    // Nobody waits, and the next call finds out the time for itself.
    this.#timer = undefined;
    if (this.#first === undefined) return;
    this.#arm();
    // Answers that came while the event loop was busy are read before any call is given up for want of one.
    if (this.#first.deadline < performance.now()) setImmediate(this.#expireOverdue);
  };

  readonly #expireOverdue = (): void => {
    const now = performance.now();
    for (let call = this.#first; call !== undefined && call.deadline < now; call = this.#first) {
      this.remove(call);
      call.expire();
    }
  };
}
