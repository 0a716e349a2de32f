import { OAuthError } from "../../errors.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { StoreCalls } from "./store-calls.ts";

/** How many requests begin in one turn of the event loop. */
const startsPerTurn = 2;
/** Every so manieth start is that of a request that begins something, where others wait as well. */
const turnsPerBeginning = 4;
/** Of how long a request may wait, the part that is left to it once requests have waited all that time without a pause. */
const partOfStandingQueue = 1 / 5;
/** How many requests wait at the most: what a request holds in memory is bounded by this too. */
const maxWaiting = 2000;
/** How long it takes until a store that does not answer is looked at again, in milliseconds. */
const betweenLooks = 50;
/** An overload is over once nobody was refused for so long, in milliseconds. */
const quietTime = 5000;
/** Clients that are refused are told to come back after 1 to so many seconds, in turn, so that they do not all come at once. */
const maxRetryAfterSeconds = 5;

/** What `Admission` needs. */
type AdmissionSettings = Pick<ProviderConfiguration, "delay" | "elapsed" | "nextTurn" | "overload" | "reporter">;

/** A request that waits for its turn. */
interface Waiting {
  /** When it came, in milliseconds. */
  readonly since: number;
  /** Lets the request begin, or refuses it. */
  readonly answer: (refusal: OAuthError | undefined) => void;
}

/**
 * Lets requests begin as fast as the process gets on with those that have begun.
 *
 * A process that has more to do than it can do gets slower with every request that it takes on, since all of them share its
 * one thread. So only a few requests begin in a turn of the event loop; the others wait. What has begun goes on first: its
 * answers from the store come before the next start. A turn is short while there is little to do, however long the store
 * takes to answer, so nobody waits then. Nothing begins either while the store owes many answers. Guarded calls never come
 * here: they find the event loop free after one turn.
 *
 * A request that has waited for too long is refused before anything was read or written for it. Whoever comes in a burst may
 * wait for `longestWait`. Once requests have waited without a pause for that long, the process is overloaded, and waiting for
 * that long again helps nobody: the queue is kept short then, which is the controlled delay of
 * {@link https://queue.acm.org/detail.cfm?id=2839461 Maurer, Fail at Scale}, a simple form of CoDel
 * ({@link https://www.rfc-editor.org/rfc/rfc8289 RFC 8289}).
 *
 * Steps of a login that has begun, and refreshes, go before new logins: a login that is begun and then refused halfway was
 * work for nothing. A part of the starts is kept for new logins.
 */
export class Admission {
  readonly #settings: AdmissionSettings;
  readonly #continuing: Waiting[] = [];
  readonly #beginning: Waiting[] = [];
  readonly #storeCalls: StoreCalls;
  #startsThisTurn = 0;
  #isTurnAwaited = false;
  #isLookAwaited = false;
  #starts = 0;
  /** When requests began to wait without a pause since, in milliseconds. */
  #queuedSince: number | undefined;
  /** The overload that lasts, since the first refusal. */
  #overload: { readonly since: number; lastRefusal: number; refused: number } | undefined;
  #refusals = 0;

  constructor(settings: AdmissionSettings, storeCalls: StoreCalls) {
    this.#settings = settings;
    this.#storeCalls = storeCalls;
    storeCalls.onAnswer(() => {
      if (this.#waiting > 0) this.#awaitTurn();
    });
  }

  /** How many requests wait. */
  get #waiting(): number {
    return this.#continuing.length + this.#beginning.length;
  }

  /**
   * Waits until a request may begin.
   *
   * @param part - Whether the request begins something, such as a login, or continues what has begun.
   * @returns Undefined once the request may begin. Where there is more to do than this process can do, the answer that refuses
   * the request: `temporarily_unavailable`, with the seconds after which to come back.
   */
  async enter(part: "begins" | "continues"): Promise<OAuthError | undefined> {
    const { elapsed, overload } = this.#settings;
    if (overload === undefined) return undefined;
    if (this.#overload !== undefined) this.#endOverload(this.#overload);
    if (this.#waiting === 0 && this.#mayStart) {
      this.#start();
      return undefined;
    }
    if (this.#waiting >= maxWaiting) return this.#refuse();
    const since = elapsed();
    this.#queuedSince ??= since;
    return new Promise((answer) => {
      const queue = part === "begins" ? this.#beginning : this.#continuing;
      queue.push({ since, answer });
      this.#awaitTurn();
    });
  }

  get #mayStart(): boolean {
    return this.#startsThisTurn < startsPerTurn && !this.#storeCalls.areMany;
  }

  #start(): void {
    this.#startsThisTurn += 1;
    this.#starts += 1;
    this.#awaitTurn();
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return;
    this.#isTurnAwaited = true;
    this.#settings.nextTurn(() => {
      this.#isTurnAwaited = false;
      this.#startsThisTurn = 0;
      this.#takeTurn();
    });
  }

  /** Looks again soon, should the store not answer at all: whoever has waited for too long has to be told. */
  #awaitLook(): void {
    if (this.#isLookAwaited) return;
    this.#isLookAwaited = true;
    void this.#settings.delay(betweenLooks).then(() => {
      this.#isLookAwaited = false;
      this.#awaitTurn();
    });
  }

  #takeTurn(): void {
    while (this.#waiting > 0 && this.#mayStart) {
      this.#start();
      this.#next()?.answer(undefined);
    }
    // After the starts: where something else has stopped the process for long, requests are late though it has time.
    this.#refuseLate(this.#continuing);
    this.#refuseLate(this.#beginning);
    if (this.#waiting === 0) this.#queuedSince = undefined;
    else if (this.#storeCalls.areMany) this.#awaitLook();
    else this.#awaitTurn();
  }

  #next(): Waiting | undefined {
    const isBeginningsTurn = this.#starts % turnsPerBeginning === 0;
    const [first, second] = isBeginningsTurn
      ? [this.#beginning, this.#continuing]
      : [this.#continuing, this.#beginning];
    return first.shift() ?? second.shift();
  }

  #refuseLate(queue: Waiting[]): void {
    const { overload } = this.#settings;
    if (overload === undefined) return;
    const now = this.#settings.elapsed();
    const isStanding = this.#queuedSince !== undefined && now - this.#queuedSince > overload.longestWait;
    const patience = isStanding ? overload.longestWait * partOfStandingQueue : overload.longestWait;
    for (let first = queue[0]; first !== undefined && now - first.since > patience; first = queue[0]) {
      queue.shift();
      first.answer(this.#refuse());
    }
  }

  #refuse(): OAuthError {
    const now = this.#settings.elapsed();
    if (this.#overload === undefined) {
      this.#overload = { since: now, lastRefusal: now, refused: 0 };
      this.#settings.reporter.tell("overloaded", { waiting: this.#waiting });
    }
    this.#overload.lastRefusal = now;
    this.#overload.refused += 1;
    this.#refusals += 1;
    return new OAuthError("temporarily_unavailable", "This server has more to do than it can do right now.", {
      retryAfterSeconds: 1 + (this.#refusals % maxRetryAfterSeconds),
    });
  }

  #endOverload({ since, lastRefusal, refused }: { since: number; lastRefusal: number; refused: number }): void {
    if (this.#settings.elapsed() - lastRefusal < quietTime) return;
    this.#overload = undefined;
    this.#settings.reporter.tell("overload-ended", { refused, seconds: Math.ceil((lastRefusal - since) / 1000) });
  }
}
