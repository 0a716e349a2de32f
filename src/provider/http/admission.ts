import { OAuthError } from "../../errors.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { StoreCalls } from "./store-calls.ts";

/** How many requests begin at once. */
const startsAtOnce = 2;
/**
 * After so many turns of the event loop without a new request, all that have come are known. Node.js takes one new connection
 * in a turn, and reads its request in the next one: whoever still knocks would wait where nobody sees it.
 */
const quietTurns = 2;
/** After so many turns something begins in any case, however many requests come. */
const mostTurns = 16;
/** Every so many starts one is that of a request that begins something, where others wait as well. */
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
 * one thread. So only a few requests begin at once, and the next ones some turns of the event loop later; the others wait. In
 * between, what has begun goes on with the answers that the store has given, and whoever knocks is let in to wait. A turn is
 * short while there is little to do, however long the store takes to answer, so nobody waits then. Nothing begins either
 * while the store owes many answers. Guarded calls never come here: they find the event loop free after one turn.
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
  /** How many requests may begin at once. */
  #startsLeft = startsAtOnce;
  /** How many turns ago the last request came or began. */
  #quiet = 0;
  /** How many turns ago the last request began. */
  #turns = 0;
  #hasCome = false;
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
    this.#hasCome = true;
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
    return this.#startsLeft > 0 && !this.#storeCalls.areMany;
  }

  #start(): void {
    this.#startsLeft -= 1;
    this.#starts += 1;
    this.#quiet = 0;
    this.#turns = 0;
    this.#awaitTurn();
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return;
    this.#isTurnAwaited = true;
    this.#settings.nextTurn(() => {
      this.#isTurnAwaited = false;
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
    this.#turns += 1;
    this.#quiet = this.#hasCome ? 0 : this.#quiet + 1;
    this.#hasCome = false;
    const mayBegin = this.#quiet >= quietTurns || this.#turns >= mostTurns;
    this.#startsLeft = mayBegin ? startsAtOnce : 0;
    while (this.#waiting > 0 && this.#mayStart) {
      this.#start();
      this.#next()?.answer(undefined);
    }
    // After the starts: where something else has stopped the process for long, requests are late though it has time.
    if (mayBegin || this.#storeCalls.areMany) {
      this.#refuseLate(this.#continuing);
      this.#refuseLate(this.#beginning);
    }
    if (this.#waiting === 0) this.#queuedSince = undefined;
    if (this.#waiting > 0 && this.#storeCalls.areMany) this.#awaitLook();
    else if (this.#waiting > 0 || this.#startsLeft === 0) this.#awaitTurn();
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
