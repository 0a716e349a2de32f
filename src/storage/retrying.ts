import {
  type StorageFailure,
  StorageRateLimitedError,
  StorageTimeoutError,
  StorageUnavailableError,
} from "../errors.ts";
import {
  type OptionKinds,
  requireNoSeconds,
  requireOptions,
  requireThat,
  requireTimerLength,
} from "../option-checks.ts";
import { type RepositoryMethod, wrapped } from "./capabilities.ts";
import type { Repository } from "./contract.ts";
import { layersOf } from "./layers.ts";

/** How often and how long `retrying` tries. */
export interface RetryingOptions {
  /** How often a call is tried at most, the first time included. Default: 3. */
  readonly attempts?: number;
  /** The longest pause before the second try, in milliseconds; it doubles from try to try. Default: 100. */
  readonly firstPause?: number;
  /** How long all pauses of a call may be together, in milliseconds. Default: 2,000. */
  readonly maxPause?: number;
}

/** The repositories that `retrying` has made. */
const made = new WeakSet<object>();

const optionKinds: OptionKinds<RetryingOptions> = { attempts: "any", firstPause: "any", maxPause: "any" };

/** What a test replaces. */
export interface RetryingInternals {
  /** Resolves after so many milliseconds. */
  readonly delay?: (milliseconds: number) => Promise<unknown>;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/**
 * Repeats the calls of a repository that failed for a while, where that is safe: a read always, a write only where the
 * error's `effect` is `none`. A write that may have been done is never repeated: a second `add` or `take` would find what
 * the first one did, and a second `set` could undo what somebody else has written since. Only outages, timeouts and rate limits
 * are repeated; the last error is thrown.
 *
 * The pauses are random, so that instances do not come back all at once, and as long as the store asked for where it did.
 *
 * @throws {ConfigurationError} when an option is wrong, which the message names, or the repository or one behind it tries again
 * already: each would repeat the tries of the other.
 *
 * @example
 * ```ts
 * const grants = retrying(new RedisRepository(GrantSchema, redis, { prefix: "grants" }), { attempts: 4 });
 * ```
 */
export function retrying<K extends string, V>(
  repository: Repository<K, V>,
  options: RetryingOptions = {},
  { delay = timerDelay, random = Math.random }: RetryingInternals = {},
): Repository<K, V> {
  requireOptions("retrying", options, optionKinds);
  const { attempts = 3, firstPause = 100, maxPause = 2_000 } = options;
  requireThat(Number.isSafeInteger(attempts) && attempts > 0, "attempts must be a whole number above 0.");
  requireTimerLength("firstPause", firstPause);
  requireTimerLength("maxPause", maxPause);
  requireNoSeconds("firstPause", firstPause, 1);
  requireThat(
    maxPause >= firstPause,
    `maxPause (${maxPause}) is shorter than firstPause (${firstPause}), so hardly a call would be tried again. Both are in milliseconds.`,
  );
  const patient = wrapped(repository, async (method, run) => {
    let paused = 0;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await run();
      } catch (error) {
        if (attempt >= attempts || !isSafeToRepeat(method, error)) throw error;
        const drawn = firstPause * 2 ** (attempt - 1) * random();
        const pause = Math.max(drawn, (error.retryAfterSeconds ?? 0) * 1_000);
        if (paused + pause > maxPause) throw error;
        paused += pause;
        await delay(pause);
      }
    }
  });
  const isDone = [...layersOf(repository)].some((layer) => made.has(layer));
  requireThat(!isDone, "retrying: the repository tries again already. Take retrying() once, with more attempts.");
  made.add(patient);
  return patient;
}

function isSafeToRepeat(method: RepositoryMethod, error: unknown): error is StorageFailure {
  const mayPass =
    error instanceof StorageUnavailableError ||
    error instanceof StorageTimeoutError ||
    error instanceof StorageRateLimitedError;
  return mayPass && (method === "get" || method === "getFresh" || error.effect === "none");
}

/** The timer keeps the process up: a caller waits for it. */
function timerDelay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
