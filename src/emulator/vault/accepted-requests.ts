import type { AnsweredRequest, PangeaReply } from "../http/envelope.ts";

const keptMaximum = 1000;

/** A reply, and the request that it is the reply to. */
export interface AcceptedReply {
  readonly reply: PangeaReply;
  readonly answered: AnsweredRequest;
}

/** The results of requests that were answered with 202. The latest 1,000 are kept. */
export class AcceptedRequests {
  readonly #accepted = new Map<string, AcceptedReply & { readonly polls: number; pollsMade: number }>();
  readonly #url: string;

  /** `url` is the one before the id of a request: where a client fetches a result. */
  constructor(url: string) {
    this.#url = url;
  }

  /** Keeps a reply until it was asked for `polls` times and once more, and gives the 202 to answer with now. */
  accept(reply: PangeaReply, { requestId, requestTime }: AnsweredRequest, polls: number): PangeaReply {
    this.#accepted.set(requestId, { reply, answered: { requestId, requestTime }, polls, pollsMade: 0 });
    const [oldest = requestId] = this.#accepted.keys();
    if (this.#accepted.size > keptMaximum) this.#accepted.delete(oldest);
    return this.#inProgress(requestId, 0);
  }

  /** Answers one poll. `undefined` where no such request was accepted. */
  poll(requestId: string): AcceptedReply | undefined {
    const accepted = this.#accepted.get(requestId);
    if (accepted === undefined || accepted.pollsMade === accepted.polls) return accepted;
    accepted.pollsMade += 1;
    return { reply: this.#inProgress(requestId, accepted.pollsMade), answered: accepted.answered };
  }

  #inProgress(requestId: string, retryCounter: number): PangeaReply {
    return {
      httpStatus: 202,
      status: "Accepted",
      summary: "Your request is in progress. Fetch the result from the location.",
      result: { ttl_mins: 5760, retry_counter: retryCounter, location: `${this.#url}${requestId}` },
    };
  }
}
