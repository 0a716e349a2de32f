import { boundedCache } from "../../storage/bounded-cache.ts";

/** How many codes this instance remembers that it has answered for. */
const maxAnswered = 10_000;

/**
 * What this instance knows of the order in which attempts to redeem a code came. An attempt that was under way beside the
 * good one, and fails by what it shows, has used nothing: it must not end the login that the good attempt began.
 */
export class CodeUses {
  #attempts = 0;
  /** How many attempts are being answered, by grant. */
  readonly #underWay = new Map<string, number>();
  /** How many attempts there had been when one was answered, by grant. */
  readonly #answered = boundedCache<string, number>(maxAnswered);

  /** The number of an attempt that begins. */
  begin(): number {
    this.#attempts += 1;
    return this.#attempts;
  }

  /** Answers an attempt that shows everything that it should. */
  async answer<Answer>(grantId: string, work: () => Promise<Answer>): Promise<Answer> {
    this.#underWay.set(grantId, this.#countOf(grantId) + 1);
    try {
      const answer = await work();
      this.#answered.set(grantId, this.#attempts);
      return answer;
    } finally {
      const left = this.#countOf(grantId) - 1;
      if (left > 0) this.#underWay.set(grantId, left);
      else this.#underWay.delete(grantId);
    }
  }

  /** False for an attempt that began before this instance had answered another one of its code. */
  isAfterAnswer(grantId: string, attempt: number): boolean {
    return !this.#underWay.has(grantId) && attempt > (this.#answered.get(grantId) ?? 0);
  }

  #countOf(grantId: string): number {
    return this.#underWay.get(grantId) ?? 0;
  }
}
