import { guideTo } from "../../documentation.ts";
import { isInstance } from "../oauth-failure.ts";
import { memberOf } from "./failure-description.ts";

/**
 * What a provider writes its warnings and outages to: `console` is one, and so are the loggers of pino and winston.
 * Warnings of what somebody should look into go to `warn`, outages to `error`, what happens once to `info`, and refusals of
 * single requests to `debug`.
 */
export interface Logger {
  debug(...data: unknown[]): void;
  info(...data: unknown[]): void;
  warn(...data: unknown[]): void;
  error(...data: unknown[]): void;
}

/** How loud a message is. */
export type LogLevel = keyof Logger;

/** What is written, once. */
export interface LogEntry {
  readonly level: LogLevel;
  /** What counts as the same message: one of each kind is written in a minute. */
  readonly kind: string;
  readonly message: string;
  /** Whether each is written, however many there are: what somebody has decided, for an auditor. */
  readonly isAudited?: true;
  /** The section of the guide that says what to do. */
  readonly topic?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** How long one message of a kind stands for those after it, in milliseconds. */
const quietTime = 60_000;
/**
 * How many kinds are told apart within that time. Kinds are made of codes and routes, none of which a caller can invent; beyond
 * this many, all others count as one kind, so that nothing can fill the log.
 */
const maxKinds = 200;
const otherKinds = "other kinds";

interface Written {
  readonly at: number;
  suppressed: number;
}

/** Standard output and standard error, without the refusals of single requests. */
const quietConsole: Logger = {
  debug: () => {},
  info: (...data) => console.info(...data),
  warn: (...data) => console.warn(...data),
  error: (...data) => console.error(...data),
};

/** Writes to a logger what an operator should know, each kind of message at most once a minute. */
export class OperatorLog {
  readonly #logger: Logger | undefined;
  readonly #clock: () => number;
  readonly #written = new Map<string, Written>();

  /**
   * @param logger - `false` for none. Default: `console`, which is told nothing of `debug`.
   * @param clock - The time in milliseconds since the epoch.
   */
  constructor(logger: Logger | false | undefined, clock: () => number) {
    this.#logger = logger === false ? undefined : (logger ?? quietConsole);
    this.#clock = clock;
  }

  /** Writes a message, or counts it where one of its kind was written within the minute. Never throws. */
  write({ level, kind, message, isAudited, topic, details = {} }: LogEntry): void {
    if (this.#logger === undefined) return;
    if (isAudited) {
      send(this.#logger, level, `pangea-authn-fastmcp: ${message}`, details);
      return;
    }
    const now = this.#clock();
    const counted = this.#hasRoomFor(kind, now) ? kind : otherKinds;
    const last = this.#written.get(counted);
    if (last !== undefined && isQuiet(last, now)) {
      last.suppressed += 1;
      return;
    }
    const suppressed = last?.suppressed ?? 0;
    this.#written.set(counted, { at: now, suppressed: 0 });
    const more = suppressed === 0 ? "" : ` (and ${suppressed} more of this kind since the last message)`;
    const help = topic === undefined ? "" : ` See ${guideTo(topic)}`;
    const text = `pangea-authn-fastmcp: ${message}${more}${help}`;
    send(this.#logger, level, text, { ...details, ...(suppressed > 0 && { suppressed }) });
  }

  /** Whether a kind is known, or is one more that can be. A kind whose minute is over makes room. */
  #hasRoomFor(kind: string, now: number): boolean {
    if (this.#written.has(kind) || this.#written.size < maxKinds) return true;
    for (const [other, written] of this.#written) if (!isQuiet(written, now)) this.#written.delete(other);
    return this.#written.size < maxKinds;
  }
}

/** A clock that was set back must not silence anything for long. */
function isQuiet({ at }: Written, now: number): boolean {
  return now >= at && now < at + quietTime;
}

/** A logger that fails must not make a request fail that it is told of. */
function send(logger: Logger, level: LogLevel, text: string, details: Readonly<Record<string, unknown>>): void {
  try {
    const hasDetails = Object.keys(details).length > 0;
    const data = !hasDetails ? [text] : takesDetailsFirst(logger) ? [details, text] : [text, details];
    // A method that is async fails later, and where nobody listens that ends the process.
    const answer: unknown = Reflect.apply(logger[level], logger, data);
    if (answer instanceof Promise) answer.catch(warnOfLogger);
  } catch (failure) {
    warnOfLogger(failure);
  }
}

function warnOfLogger(failure: unknown): void {
  const name = isInstance(failure, Error) ? String(memberOf(failure, "name")) : "something";
  process.emitWarning(`The logger of a provider threw ${name}.`, { code: "PANGEA_LOGGER" });
}

/** The loggers of pino, bunyan and their kind take an object and then the text; others the text first. */
function takesDetailsFirst(logger: object): boolean {
  const has = (name: string) => typeof Reflect.get(logger, name) === "function";
  return has("child") && (has("bindings") || has("addStream"));
}
