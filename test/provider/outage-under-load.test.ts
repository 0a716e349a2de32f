import { expect, it } from "vitest";
import { seededRandom } from "../../src/emulator/faults/seeded-random.ts";
import { StorageTimeoutError, StorageUnavailableError } from "../../src/errors.ts";
import type { ProviderRepositories } from "../../src/index.ts";
import { interceptedRepositories } from "../support/intercepted-repository.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

/** A store in which calls fail at random: before they do anything, or after they did it. */
class FlakyStore {
  readonly repositories: ProviderRepositories;
  /** How many calls of a hundred fail. */
  percent = 0;
  failures = 0;

  constructor(random: () => number, clock: () => number) {
    this.repositories = interceptedRepositories(
      async (run) => {
        if (random() * 100 >= this.percent) return run();
        this.failures += 1;
        if (random() < 0.5) throw new StorageUnavailableError("Nothing was done.");
        await run();
        throw new StorageTimeoutError("Nobody knows what was done.");
      },
      { clock },
    );
  }
}

it.each([1, 2, 3])(
  "a store that fails at random under load is 503 to everyone, and logs nobody out (seed %i)",
  async (seed) => {
    const random = seededRandom(seed);
    const clock = new ManualClock();
    const store = new FlakyStore(random, clock.read);
    const harness = new ProviderHarness({
      ...providerOptions(emulator.issuerUrl),
      repositories: store.repositories,
      clock: clock.read,
      rateLimits: false,
    });
    const people = await Promise.all(Array.from({ length: 12 }, () => harness.tokens()));
    const statuses = new Map<string, number>();
    const count = (kind: string, response: Response) => {
      statuses.set(`${kind} ${response.status}`, (statuses.get(`${kind} ${response.status}`) ?? 0) + 1);
      if (response.status === 503) expect(response.headers.get("retry-after")).not.toBeNull();
    };

    const visit = async (index: number): Promise<void> => {
      const person = people[index % people.length];
      if (person === undefined) return;
      const choice = random();
      if (choice < 0.5) {
        const headers = new Headers({ authorization: `Bearer ${person.access_token}` });
        const answer = await harness.provider.authenticate({ headers });
        count("mcp", answer instanceof Response ? answer : new Response());
      } else if (choice < 0.9) {
        const answer = await harness.refresh(person);
        count("refresh", answer.clone());
        // A client that got no answer keeps what it has, and comes back with it.
        if (answer.status === 200) people[index % people.length] = { ...person, ...(await jsonOf(answer)) };
      } else {
        const parameters = { client_id: person.clientId, code_challenge: pkce().challenge };
        const answer = await harness.get(harness.authorizePath(parameters));
        count("authorize", answer);
      }
    };

    store.percent = 30;
    for (let round = 0; round < 40; round += 1) {
      // Each person's client does one thing at a time, all of them at once.
      await Promise.all(people.map((_, index) => visit(index)));
    }

    expect(store.failures).toBeGreaterThan(100);
    const kinds = [...statuses.keys()].sort();
    expect(kinds.filter((kind) => kind.endsWith("503"))).toEqual(["authorize 503", "mcp 503", "refresh 503"]);
    expect(kinds.filter((kind) => !/ (?:200|503)$/.test(kind))).toEqual([]);

    store.percent = 0;
    for (const person of people) {
      const answer = await harness.refresh(person);
      expect(answer.status).toBe(200);
      expect(await harness.mcpStatus((await jsonOf(answer)).access_token)).toBe(200);
    }
  },
);
