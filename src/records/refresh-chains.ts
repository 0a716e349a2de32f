import { UnreadableRecordsError } from "../errors.ts";
import type { Repository } from "../storage/contract.ts";
import { isEnumerable } from "../storage/enumerable.ts";
import type { RefreshToken } from "./refresh-token.ts";

/** Which refresh tokens a copy leaves in its target as they are. */
export interface RefreshChains {
  /** Whether a token of the target stays, whatever the source has under its key. */
  readonly outlasts: (present: RefreshToken, given: RefreshToken | undefined) => boolean;
  /** Whether a token of the source is not brought to a target that has nothing under its key. */
  readonly isOver: (given: RefreshToken) => boolean;
}

/** When each refresh token of one grant was issued, in epoch seconds, in a target and in the source of a copy. */
interface Chain {
  present: readonly number[];
  given: readonly number[];
}

/** The chain of a store that has nothing of a grant. A list that grows by `push` takes room for sixteen more, so none does. */
const none: readonly number[] = [];

/**
 * Compares what two stores have of each grant's refresh tokens.
 *
 * A used refresh token leaves its store some minutes after its successor was used, and what says that it was used leaves
 * with it. So the absence of a token has two meanings: the store has never had the token, or is past it. The newest token of
 * the grant tells which: the tokens of a grant are issued one after the other, so the store that has the newest one is past
 * everything that only the other store has.
 *
 * It keeps in memory when the tokens were issued of every grant that the target has tokens of: nothing for a first copy, and
 * some 130 megabytes for a million tokens. A target that cannot list its records counts as empty.
 *
 * @param existing - With `keep` a server may use the target meanwhile: only a grant of which the target has a part, as a
 * copy that was interrupted leaves it, is added to.
 */
export async function compareRefreshChains(
  from: Repository<string, RefreshToken>,
  to: Repository<string, RefreshToken>,
  { existing, signal }: { readonly existing?: "replace" | "keep"; readonly signal?: AbortSignal },
): Promise<RefreshChains> {
  const chains = new Map<string, Chain>();
  for await (const { grantId, issuedAt } of readable(to, signal)) {
    const chain = chains.get(grantId);
    if (chain === undefined) chains.set(grantId, { present: [issuedAt], given: none });
    else chain.present = chain.present.concat(issuedAt);
  }
  if (chains.size > 0) {
    for await (const { grantId, issuedAt } of readable(from, signal)) {
      const chain = chains.get(grantId);
      if (chain !== undefined) chain.given = chain.given.concat(issuedAt);
    }
  }
  return {
    outlasts: (present, given) =>
      given === undefined
        ? present.issuedAt > newestOf(chains.get(present.grantId)?.given ?? none)
        : present.issuedAt === given.issuedAt && wasUsedSince(present, given),
    isOver({ grantId }) {
      const chain = chains.get(grantId);
      if (chain === undefined) return false;
      return newestOf(chain.present) > newestOf(chain.given) || (existing === "keep" && !isPart(chain));
    },
  };
}

/** The record of a used token ends sooner, and says that it was used: those of earlier versions say so by their end alone. */
function wasUsedSince(present: RefreshToken, given: RefreshToken): boolean {
  return present.expiresAt < given.expiresAt || (present.retired === true && given.retired !== true);
}

function newestOf(times: readonly number[]): number {
  return times.reduce((newest, time) => Math.max(newest, time), Number.NEGATIVE_INFINITY);
}

/** True where the target has some of the source's tokens and nothing else. */
function isPart({ present, given }: Chain): boolean {
  return present.length < given.length && present.every((time) => given.includes(time));
}

/** The records of a store, but for those that cannot be read: the copying itself will say so of them. */
async function* readable<V>(repository: Repository<string, V>, signal: AbortSignal | undefined): AsyncGenerator<V> {
  if (!isEnumerable(repository)) return;
  try {
    for await (const [, value] of repository.entries()) {
      signal?.throwIfAborted();
      yield value;
    }
  } catch (failure) {
    if (!(failure instanceof UnreadableRecordsError)) throw failure;
  }
}
