import { randomBytes } from "node:crypto";
import { StorageFailure, StorageRejectedError, StorageTimeoutError, StorageUnavailableError } from "../../errors.ts";
import { isAddition, isClaimed, isOlder, type Namesakes } from "./namesakes.ts";
import { type PauseSettings, pauses } from "./pauses.ts";
import type { StoredItem } from "./vault-calls.ts";
import type { VaultSecret } from "./vault-service.ts";

/** How many looks are given to a younger item that should withdraw, and to a namesake that no search shows. */
const patience = 6;

/** What an add needs of the repository, for one key. */
export interface AdditionPlace {
  readonly settings: PauseSettings;
  /** Stores the record, with the mark of its add. */
  store(mark: string): Promise<StoredItem>;
  /** Searches for the items of the key. Throws the refusal in clearer words where only another kind has the key. */
  look(refusal: StorageFailure | undefined): Promise<Namesakes>;
  /** Reads an item as it is now. */
  get(id: string): Promise<VaultSecret | undefined>;
  isLive(secret: VaultSecret): boolean;
  delete(item: StoredItem): Promise<boolean>;
  /** Sees to it that an item is gone that somebody has claimed, without spoiling the claim. */
  removeClaimed(item: VaultSecret): Promise<void>;
  /** Deletes an item so that only one caller can be the one that did it: true for that caller. */
  remove(item: StoredItem): Promise<boolean>;
  /** Remembers the item that was added. */
  keep(item: StoredItem): void;
}

type Answer = boolean | "undecided" | "again";

/**
 * One try of an `add`: it stores an item first and then looks for others of the name.
 *
 * Where Vault keeps names unique, a store that is not refused decides. Where names may repeat, the add wins once a search
 * that shows its own item shows no other live one. Of two adds, the one that stored later sees the item of the one that
 * stored before, so that two cannot win. An add that sees another live item withdraws its own item and then reads the
 * other by its id, and the answer is false only where the other is still there. The last add to read so would find
 * every other item withdrawn, so that not all can answer false. Neither rests on Vault's clock: the times of creation
 * only settle that the younger item is withdrawn at once, while the add of the older waits. They count where a take
 * has removed an item before its add was certain.
 *
 * A mark in the metadata tells the add's own items. The add may have an item that it got no answer for, or two, where
 * the SDK repeated a store whose answer was lost.
 */
export class Addition {
  readonly #place: AdditionPlace;
  readonly #mark = randomBytes(16).toString("hex");
  readonly #mine = new Map<string, StoredItem>();
  #contested = false;

  constructor(place: AdditionPlace) {
    this.#place = place;
  }

  /**
   * @returns Whether the record was added, or "again" where the add has withdrawn and nothing is in its way any more.
   * @throws {StorageFailure} when the store fails, or with an unknown effect when it cannot be told who has won.
   */
  async run(): Promise<boolean | "again"> {
    let failure: StorageFailure | undefined;
    let turns = 0;
    for await (const _ of pauses(this.#place.settings)) {
      turns += 1;
      if (this.#mine.size === 0) failure = await this.#store();
      const shown = await this.#place.look(failure);
      // What somebody has taken is still there until it is deleted.
      const own = shown.filter((secret) => secret.addedWith === this.#mark && !isClaimed(secret));
      const others = shown.filter((secret) => secret.addedWith !== this.#mark);
      for (const secret of own) this.#mine.set(secret.id, secret);
      const isLast = turns >= patience;
      const answer =
        failure !== undefined && this.#mine.size === 0
          ? await this.#afterFailure(failure, others, isLast)
          : await this.#compare(own, others, isLast);
      if (answer !== "undecided") return answer;
    }
    throw this.#mine.size === 0 && failure !== undefined ? failure : unknownOutcome("no search of Vault shows it yet");
  }

  /** Gives back a failure after which the item may be there all the same. */
  async #store(): Promise<StorageFailure | undefined> {
    try {
      const item = await this.#place.store(this.#mark);
      this.#mine.set(item.id, item);
      return undefined;
    } catch (failure) {
      // The refusal may be for this add's own item, which the SDK has stored before its answer was lost.
      if (failure instanceof StorageRejectedError) return failure;
      // A store that has not ended may land after every look.
      if (!(failure instanceof StorageFailure) || failure instanceof StorageTimeoutError) throw failure;
      if (failure.effect === "none") throw failure;
      return failure;
    }
  }

  /** Answers for an add that has no item: false where a live record is in the way. What has expired is deleted. */
  async #afterFailure(failure: StorageFailure, others: Namesakes, isLast: boolean): Promise<Answer> {
    if (!(failure instanceof StorageRejectedError)) throw failure;
    const present = (await Promise.all(others.map(({ id }) => this.#place.get(id)))).filter(
      (item) => item !== undefined,
    );
    if (present.some((secret) => this.#place.isLive(secret))) return false;
    if (others.length === 0 && isLast) throw failure;
    await Promise.all(
      present.map((secret) => (isClaimed(secret) ? this.#place.removeClaimed(secret) : this.#place.delete(secret))),
    );
    return "undecided";
  }

  async #compare(own: Namesakes, others: Namesakes, isLast: boolean): Promise<Answer> {
    const rivals = others.filter((secret) => this.#place.isLive(secret));
    const oldest = [...this.#mine.values()].reduce((one, other) => (isOlder(other, one) ? other : one));
    if (own.length === 0 && (await this.#isGone())) {
      // A take or a delete has found the record. It was none if something stood before it.
      if (!this.#contested && rivals.every((rival) => rival.createdAt > oldest.createdAt)) return true;
      throw unknownOutcome("it was removed meanwhile");
    }
    if (rivals.length === 0) return own.length > 0 ? this.#win(oldest) : "undecided";
    this.#contested = true;
    if (own.some((secret) => secret.version > 1)) throw unknownOutcome("it was written to meanwhile");
    const mustYield = rivals.some((rival) => outranks(rival, oldest));
    return mustYield || isLast ? this.#withdraw(rivals, oldest) : "undecided";
  }

  async #win(oldest: StoredItem): Promise<true> {
    this.#place.keep(oldest);
    for (const item of this.#mine.values()) if (item.id !== oldest.id) await this.#place.delete(item);
    return true;
  }

  /** False where the item is there although a search that lags behind does not show it yet. */
  async #isGone(): Promise<boolean> {
    for (const id of this.#mine.keys()) {
      const item = await this.#place.get(id);
      if (item !== undefined && !isClaimed(item)) return false;
    }
    return true;
  }

  async #withdraw(rivals: Namesakes, oldest: StoredItem): Promise<Answer> {
    let wasRemoved = false;
    for (const item of this.#mine.values()) if (!(await this.#place.remove(item))) wasRemoved = true;
    for (const rival of rivals) {
      const current = await this.#place.get(rival.id);
      if (current === undefined || !this.#place.isLive(current)) continue;
      // Behind one that outranks it the item was no record, so that nobody can have taken its value.
      if (!wasRemoved || outranks(rival, oldest)) return false;
    }
    if (wasRemoved) throw unknownOutcome("it was removed meanwhile");
    return "again";
  }
}

function outranks(rival: VaultSecret, item: StoredItem): boolean {
  return !isAddition(rival) || isOlder(rival, item);
}

function unknownOutcome(reason: string): StorageUnavailableError {
  return new StorageUnavailableError(`The record was stored in Vault, but whether it counts is unknown: ${reason}.`, {
    effect: "unknown",
  });
}
