import { setTimeout as timer } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { InvalidKeyError, InvalidRecordError, RecordTooLargeError, UnreadableRecordsError } from "../errors.ts";
import { type OptionKinds, requireOptions, requireThat } from "../option-checks.ts";
import { type Repository, requireRepository } from "./contract.ts";
import { isEnumerable } from "./enumerable.ts";
import { getFresh } from "./fresh-read.ts";
import { isUnreadable, UnreadableRecords } from "./unreadable-records.ts";

/** How `copyRepository` copies. */
export interface CopyRepositoryOptions<V = unknown> {
  /**
   * What happens to a record that the target has with another content. `replace`: the source is the truth, as it is until
   * the server uses the target. `keep`: the target is, as it is from then on. Default: `replace`.
   */
  readonly existing?: "replace" | "keep";
  /**
   * Whether records that only the target has are deleted there at the end: the source deleted them since an earlier copy. The
   * target has to be able to list its records. Not together with `keep`. Default: false.
   */
  readonly removeMissing?: boolean;
  /**
   * Whether a record of the target outlasts what the source has under its key: `given`, or undefined where `removeMissing`
   * would delete it. It is for records which say that something is over, and must not give way to a record from before. Such
   * a record counts as `kept`. Default: none does.
   */
  readonly outlasts?: (present: V, given: V | undefined) => boolean;
  /**
   * Whether a record of the source is over for a target that has nothing under its key: the target is past it, and it is not
   * written. Such a record counts as `kept`. Default: none is.
   */
  readonly isOver?: (given: V) => boolean;
  /** Reads both and writes nothing; the report says what would be done. Default: false. */
  readonly dryRun?: boolean;
  /** How many records are copied in a second at most. Default: as many as the stores take. */
  readonly recordsPerSecond?: number;
  /** How many records are under way at a time, 1,000 at the most. Default: 8. */
  readonly concurrency?: number;
  /** Told after each record. What it throws ends the copying. */
  readonly onProgress?: (report: CopyReport) => void;
  /** Ends the copying between two records, or while it waits for its turn. What was copied stays; the next copy goes on from there. */
  readonly signal?: AbortSignal;
}

/** All options of `copyRepository`. */
export const copyOptionKinds: OptionKinds<CopyRepositoryOptions> = {
  existing: "any",
  removeMissing: "boolean",
  outlasts: "function",
  isOver: "function",
  dryRun: "boolean",
  recordsPerSecond: "any",
  concurrency: "any",
  onProgress: "function",
  signal: "object",
};

/** More records under way would be one crowd at the stores, and take memory for each. */
const maxConcurrency = 1000;

/** What a test replaces. */
export interface CopyRepositoryInternals {
  /** The time in milliseconds since the epoch. */
  readonly clock?: () => number;
  /** Resolves after so many milliseconds, and rejects once the signal is aborted. */
  readonly delay?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<unknown>;
}

/**
 * What has been copied so far. Every record of the source is counted in one of `written`, `unchanged`, `kept`, `gone` and
 * `failed`.
 */
export interface CopyReport {
  /** Written to the target. */
  readonly written: number;
  /** There already, with the same content. */
  readonly unchanged: number;
  /** There already with another content, or not there since it is over, and left so. */
  readonly kept: number;
  /** Deleted or expired in the source while it was being copied. The target does not have it. */
  readonly gone: number;
  /**
   * Left where it is, in both stores: it cannot be read in one of them, or the target does not take it. The copying goes on, and its error says so at the end.
   */
  readonly failed: number;
  /** Deleted in the target by `removeMissing`. */
  readonly removed: number;
}

/**
 * Copies the records of one repository to another. It can be repeated: a record that is there already costs a read. So a copy
 * that was interrupted is started again and goes on where it was.
 *
 * The source may be in use meanwhile. Each record is read again after it was written, so that one which the source changed or
 * deleted at that moment is not left behind in an old state. What changes later has to be copied again: copy once while the server
 * runs, then stop the server, copy again with `removeMissing`, and start the server on the target. Records that have expired
 * are not copied. Sealed records are opened by the source's key ring and sealed by the target's.
 *
 * @param from - Can list its records, as the repositories of this package can.
 * @param to - Has the same type of records.
 * @returns What was done.
 * @throws {ConfigurationError} when an option is wrong, or a repository that has to list its records cannot.
 * @throws whatever `outlasts` or `isOver` throws.
 * @throws {UnreadableRecordsError} once everything else is copied, when there are records that cannot be read in the source or
 * the target. They stay as they are, in both.
 * @throws {RecordTooLargeError | InvalidRecordError | InvalidKeyError} once everything else is copied, when the target does
 * not take a record: for its size, its members or its expiry, or its key.
 * @throws {StorageError} when a store fails. What was written until then stays.
 * @throws the reason of the `signal`, once it is aborted.
 *
 * @example
 * ```ts
 * const report = await copyRepository(inVault.grants, inRedis.grants, { recordsPerSecond: 50 });
 * console.log(`${report.written} grants copied, ${report.unchanged} were there.`);
 * ```
 */
export async function copyRepository<V>(
  from: Repository<string, V>,
  to: Repository<string, V>,
  options: CopyRepositoryOptions<V> = {},
  internals: CopyRepositoryInternals = {},
): Promise<CopyReport> {
  requireRepository("The source", from);
  requireRepository("The target", to);
  requireOptions("copyRepository", options ?? null, copyOptionKinds);
  requireThat(!Object.is(from, to), "The target is the source itself: give the repository of another store.");
  const { existing = "replace", removeMissing = false, dryRun = false, concurrency = 8, onProgress, signal } = options;
  const { outlasts = () => false, isOver = () => false } = options;
  requireThat(existing === "replace" || existing === "keep", 'existing must be "replace" or "keep".');
  const isCount = Number.isSafeInteger(concurrency) && concurrency > 0 && concurrency <= maxConcurrency;
  requireThat(isCount, `concurrency must be a whole number from 1 to ${maxConcurrency}.`);
  requireThat(!(removeMissing && existing === "keep"), 'removeMissing needs existing: "replace".');
  requireThat(isEnumerable(from), "The source must be able to list its records: it needs a method entries().");
  const counts = { written: 0, unchanged: 0, kept: 0, gone: 0, failed: 0, removed: 0 };
  const count = (outcome: keyof CopyReport, records = 1): void => {
    counts[outcome] += records;
    onProgress?.({ ...counts });
  };
  const pace = paceOf(options.recordsPerSecond, internals);
  const left = new LeftRecords();

  const source = left.readable(from.entries(), (records) => count("failed", records));
  await inParallel(concurrency, source, async ([key, value]) => {
    await pace(signal);
    signal?.throwIfAborted();
    count(await left.unless(() => copyRecord(from, to, key, value, { existing, dryRun, outlasts, isOver })));
  });
  if (removeMissing) {
    requireThat(isEnumerable(to), "removeMissing needs a target that can list its records.");
    const target = left.readable(to.entries(), (records) => count("failed", records));
    await inParallel(concurrency, target, async ([key, present]) => {
      signal?.throwIfAborted();
      if (outlasts(present, undefined) || !(await isMissing(from, key))) return;
      if (dryRun || (await to.delete(key))) count("removed");
    });
  }
  left.throwIfAny();
  return counts;
}

/** What a store says of a record that it does not take, which says nothing of the others. */
export type RefusedRecord = InvalidKeyError | InvalidRecordError | RecordTooLargeError;

/** True for what a store says of a record that it does not take. */
export function isRefusedRecord(failure: unknown): failure is RefusedRecord {
  return [InvalidKeyError, InvalidRecordError, RecordTooLargeError].some((kind) => failure instanceof kind);
}

/** The records that a copy left where they were. */
class LeftRecords {
  readonly #unreadable = new UnreadableRecords();
  /** How many records were not copied since the target has a record under the key that cannot be read. */
  #notCopied = 0;
  #refused: RefusedRecord | undefined;

  /**
   * A listing that ends without an error where it met records that it could not read. They are counted here, but for those
   * that were counted when they were not copied: the listing of the target meets them again.
   */
  async *readable<T>(listing: AsyncIterable<T>, onUnreadable: (count: number) => void): AsyncGenerator<T, void> {
    const known = this.#notCopied;
    try {
      yield* listing;
    } catch (failure) {
      if (!(failure instanceof UnreadableRecordsError)) throw failure;
      if (failure.count <= known) return;
      this.#unreadable.addAll(failure, known);
      onUnreadable(failure.count - known);
    }
  }

  /** Does the work on a record, unless it cannot be read or is too large. */
  async unless(work: () => Promise<keyof CopyReport>): Promise<keyof CopyReport> {
    try {
      return await work();
    } catch (failure) {
      if (isRefusedRecord(failure)) {
        this.#refused ??= failure;
      } else if (isUnreadable(failure)) {
        this.#notCopied += 1;
        this.#unreadable.add(failure);
      } else {
        throw failure;
      }
      return "failed";
    }
  }

  /** @throws {UnreadableRecordsError | RefusedRecord} when there was such a record. */
  throwIfAny(): void {
    this.#unreadable.throwIfAny();
    if (this.#refused !== undefined) throw this.#refused;
  }
}

/** A record that cannot be read is there. */
async function isMissing<V>(repository: Repository<string, V>, key: string): Promise<boolean> {
  try {
    return (await getFresh(repository, key)) === undefined;
  } catch (failure) {
    if (isUnreadable(failure)) return false;
    throw failure;
  }
}

async function copyRecord<V>(
  from: Repository<string, V>,
  to: Repository<string, V>,
  key: string,
  listed: V,
  {
    existing,
    dryRun,
    outlasts,
    isOver,
  }: Required<Pick<CopyRepositoryOptions<V>, "existing" | "dryRun" | "outlasts" | "isOver">>,
): Promise<keyof CopyReport> {
  const present = await getFresh(to, key);
  if (present !== undefined && isDeepStrictEqual(present, listed)) return "unchanged";
  if (present === undefined ? isOver(listed) : outlasts(present, listed)) return "kept";
  if (present !== undefined && existing === "keep") return "kept";
  if (dryRun) return "written";
  for (let value = listed; ; ) {
    if (existing === "replace") await to.set(key, value);
    else if (!(await to.add(key, value))) return "kept";
    const current = await getFresh(from, key);
    if (current === undefined) {
      await to.delete(key);
      return "gone";
    }
    if (isDeepStrictEqual(current, value)) return "written";
    // With "keep" the record is this copy's own until now: it may be replaced.
    if (existing === "keep") await to.delete(key);
    value = current;
  }
}

/** Works on several items at a time. The first failure ends the work once the items under way are done. */
async function inParallel<T>(
  concurrency: number,
  items: AsyncIterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    try {
      while (failures.length === 0) {
        const next = await iterator.next();
        if (next.done === true) return;
        await work(next.value);
      }
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  if (failures.length === 0) return;
  await iterator.return?.();
  throw failures[0];
}

/** Makes a wait that lets so many through in a second, at even distances. A wait ends when the signal is aborted. */
function paceOf(
  recordsPerSecond: number | undefined,
  { clock = Date.now, delay = timerDelay }: CopyRepositoryInternals,
): (signal: AbortSignal | undefined) => Promise<void> {
  if (recordsPerSecond === undefined) return async () => {};
  requireThat(Number.isFinite(recordsPerSecond) && recordsPerSecond > 0, "recordsPerSecond must be a number above 0.");
  let next = clock();
  return async (signal) => {
    const wait = next - clock();
    next = Math.max(next, clock()) + 1_000 / recordsPerSecond;
    if (wait <= 0) return;
    try {
      await delay(wait, signal);
    } catch (failure) {
      signal?.throwIfAborted();
      throw failure;
    }
  };
}

function timerDelay(milliseconds: number, signal: AbortSignal | undefined): Promise<unknown> {
  return timer(milliseconds, undefined, { signal });
}
