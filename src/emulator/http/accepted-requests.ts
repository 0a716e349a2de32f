import type { PangeaReply } from "./envelope.ts";

const KEPT = 1000;

interface Accepted {
  readonly reply: PangeaReply;
  readonly requestTime: number;
  pollsLeft: number;
  polls: number;
}

/** A result that can be fetched, or what to say instead while it is not ready. */
export interface PolledReply {
  readonly reply: PangeaReply;
  /** When the original request was made, in milliseconds since the epoch. */
  readonly requestTime: number;
}

/** The results of requests that were answered with 202. The latest 1,000 are kept. */
export class AcceptedRequests {
  readonly #accepted = new Map<string, Accepted>();

  /** Keeps a reply for later and gives the 202 to answer with now. `location` is where to fetch the result. */
  accept(requestId: string, reply: PangeaReply, requestTime: number, polls: number, location: string): PangeaReply {
    this.#accepted.set(requestId, { reply, requestTime, pollsLeft: polls, polls: 0 });
    for (const oldest of this.#accepted.keys()) {
      if (this.#accepted.size <= KEPT) break;
      this.#accepted.delete(oldest);
    }
    return inProgress(0, location);
  }

  /** Answers one poll. `undefined` where no such request was accepted. */
  poll(requestId: string, location: string): PolledReply | undefined {
    const accepted = this.#accepted.get(requestId);
    if (accepted === undefined) return undefined;
    const { reply, requestTime } = accepted;
    if (accepted.pollsLeft === 0) return { reply, requestTime };
    accepted.pollsLeft -= 1;
    accepted.polls += 1;
    return { reply: inProgress(accepted.polls, location), requestTime };
  }
}

function inProgress(retryCounter: number, location: string): PangeaReply {
  return {
    httpStatus: 202,
    status: "Accepted",
    summary: "Your request is in progress. Fetch the result from the location.",
    result: { ttl_mins: 5760, retry_counter: retryCounter, location },
  };
}
