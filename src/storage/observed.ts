import { PangeaAuthnError, StorageFailure, type WriteEffect } from "../errors.ts";
import { requireKind, requireThat } from "../option-checks.ts";
import type { CopyKeeping } from "./cached/copy-keeping.ts";
import { type PassOn, type RepositoryMethod, wrapped } from "./capabilities.ts";
import type { Repository } from "./contract.ts";

/** What one call of an observed repository came to. Neither the key nor the record is told. */
export interface RepositoryCall {
  readonly method: RepositoryMethod;
  /**
   * `found` and `absent` for what reads or removes, `done` for a `set` and for an `add` that wrote, `refused` for an `add`
   * that found a record, `failed` for a call that rejected.
   */
  readonly outcome: "found" | "absent" | "done" | "refused" | "failed";
  /** How long the call took, in milliseconds. */
  readonly duration: number;
  /** For a `get` that a cache answers from memory: how old its copy was, in milliseconds. */
  readonly staleness?: number;
  /** Where the call failed: the error's `code`, or `ERR_UNEXPECTED` for an error that is not of this package. */
  readonly code?: string;
  /** Where a write failed: whether it may have taken effect. */
  readonly effect?: WriteEffect;
}

/** Who is told of the calls: a channel of `node:diagnostics_channel` is one. */
export interface RepositoryCallSink {
  /** Nothing is measured while this is false. */
  readonly hasSubscribers: boolean;
  publish(call: RepositoryCall): unknown;
}

/**
 * Tells a sink of every call of a repository: what came of it, how long it took, how old a cached copy was. While nobody
 * listens, a call costs one look at `hasSubscribers` more than without. A list of the records is not told of.
 *
 * One in front of a cache and one behind it tell together how often the cache answered.
 *
 * @param repository - Keeps its optional capabilities, such as `entries`.
 * @param sink - What it throws is an uncaught exception and does not change the outcome of the call.
 * @param clock - Counts milliseconds, from any beginning. Default: `performance.now`.
 * @throws {ConfigurationError} when the sink has no `publish` or no `hasSubscribers`, or the clock is no function.
 *
 * @example
 * ```ts
 * import { channel, subscribe } from "node:diagnostics_channel";
 *
 * subscribe("grants", (call) => console.log(call)); // { method: "get", outcome: "found", duration: 0.4 }
 * const grants = observed(repositories.grants, channel("grants"));
 * ```
 */
export function observed<K extends string, V>(
  repository: Repository<K, V>,
  sink: RepositoryCallSink,
  clock: () => number = () => performance.now(),
): Repository<K, V> {
  requireThat(
    typeof Object(sink).publish === "function",
    "observed() needs a sink with the method publish, such as a channel of node:diagnostics_channel.",
  );
  requireThat(
    typeof sink.hasSubscribers === "boolean",
    "observed() needs a sink with hasSubscribers, which says whether anybody listens: without it nothing would be told.",
  );
  requireKind("observed: the clock", clock, "function");
  const tellOfEach: PassOn = async (method, run, key) => {
    if (!sink.hasSubscribers) return run();
    const staleness = method === "get" ? copyAgeOf(repository, key) : undefined;
    const start = clock();
    const tell = (outcome: Pick<RepositoryCall, "outcome" | "code" | "effect">): void => {
      const call = { method, ...outcome, duration: clock() - start, ...(staleness !== undefined && { staleness }) };
      try {
        sink.publish(call);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    };
    try {
      const answer = await run();
      tell({ outcome: outcomeOf(method, answer) });
      return answer;
    } catch (error) {
      tell({
        outcome: "failed",
        code: error instanceof PangeaAuthnError ? error.code : "ERR_UNEXPECTED",
        ...(isWrite(method) && error instanceof StorageFailure && { effect: error.effect }),
      });
      throw error;
    }
  };
  return wrapped(repository, tellOfEach, () => sink.hasSubscribers);
}

function outcomeOf(method: RepositoryMethod, answer: unknown): RepositoryCall["outcome"] {
  if (method === "set") return "done";
  if (method === "add") return answer === true ? "done" : "refused";
  return answer === undefined || answer === false ? "absent" : "found";
}

function isWrite(method: RepositoryMethod): boolean {
  return method !== "get" && method !== "getFresh";
}

function copyAgeOf(repository: object, key: string): number | undefined {
  return keepsCopies(repository) ? repository.copyAge(key) : undefined;
}

function keepsCopies(repository: object): repository is CopyKeeping {
  return "copyAge" in repository && typeof repository.copyAge === "function";
}
