import { createInMemoryRepositories } from "../../src/index.ts";
import { gated } from "./gated-repository.ts";
import { type IssuedTokens, ProviderHarness, pkce, providerOptions } from "./provider-harness.ts";

/** After so many turns without a new request, the next ones begin. */
const quietTurns = 2;

/** An event loop whose turns come when the test says so, and a time that stands still meanwhile. */
export class ManualLoop {
  now = 0;
  readonly #turns: (() => void)[] = [];
  readonly #delayed: (() => void)[] = [];
  /** While this is true, every turn comes by itself. */
  runs = true;

  readonly internals = {
    elapsed: () => this.now,
    nextTurn: (run: () => void) => {
      if (this.runs) setImmediate(run);
      else this.#turns.push(run);
    },
    delay: (_milliseconds: number) => new Promise<void>((resolve) => void this.#delayed.push(resolve)),
  };

  /** One turn, and what follows from it at once. */
  async singleTurn(): Promise<void> {
    for (const run of this.#turns.splice(0)) run();
    await settled();
  }

  /** The turn in which requests that were sent have come, as far as they come without a turn. */
  async arrivals(): Promise<void> {
    await settled();
    await this.singleTurn();
  }

  /** As many turns as it takes until the next requests begin, where none comes meanwhile. */
  async turn(): Promise<void> {
    for (let count = 0; count < quietTurns; count += 1) await this.singleTurn();
  }

  /** Ends every delay that is under way. */
  async endDelays(): Promise<void> {
    for (const end of this.#delayed.splice(0)) end();
    await settled();
  }
}

/** Lets everything happen that waits for nothing but microtasks and the system's own threads. */
export async function settled(): Promise<void> {
  for (let count = 0; count < 20; count += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A request that was sent, and the status of its answer once there is one. */
export interface Sent {
  readonly response: Promise<Response>;
  status: number | undefined;
}

/** A server of which more is asked than the turns that the test gives it are enough for. */
export class OverloadScene {
  readonly loop = new ManualLoop();
  readonly repositories = createInMemoryRepositories();
  readonly refreshTokens = gated(this.repositories.refreshTokens);
  readonly harness: ProviderHarness;

  /** @param issuerUrl - Of the emulator that people log in at. */
  constructor(issuerUrl: string, overload?: { longestWait: number } | false) {
    this.harness = new ProviderHarness(
      {
        ...providerOptions(issuerUrl),
        repositories: { ...this.repositories, refreshTokens: this.refreshTokens },
        rateLimits: false,
        overload: overload ?? {},
      },
      this.loop.internals,
    );
  }

  /** Logs people in, and then stops the event loop. */
  async people(count: number): Promise<readonly IssuedTokens[]> {
    const people: IssuedTokens[] = [];
    for (let index = 0; index < count; index += 1) people.push(await this.harness.tokens());
    await settled();
    this.loop.runs = false;
    return people;
  }

  send(response: Promise<Response>): Sent {
    const sent: Sent = { response, status: undefined };
    void response.then(({ status }) => {
      sent.status = status;
    });
    return sent;
  }

  refresh(person: IssuedTokens): Sent {
    return this.send(this.harness.refresh(person));
  }

  authorize(clientId: string): Sent {
    const path = this.harness.authorizePath({ client_id: clientId, code_challenge: pkce().challenge });
    return this.send(this.harness.get(path));
  }
}

/** The statuses of the answers that there are. */
export const statuses = (sent: readonly Sent[]) => sent.map(({ status }) => status);

/** How many were answered with a status. */
export const answered = (sent: readonly Sent[], status: number) => sent.filter((one) => one.status === status).length;
