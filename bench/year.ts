/**
 * A year in the life of a server, on a clock of its own: 1,000 clients that register at each start, refresh every hour from
 * three processes that share one token, and sleep for days, but for a few that never do; and strangers who register every day
 * and never log in. It fails where a client is logged out that should not be, where a client gets another id, or where the
 * store grows. Faults are printed as they occur.
 *
 *     npx node bench/year.ts [clients] [days] [seed]
 */
import { createInMemoryRepositories, InMemoryRepository, McpOAuthProvider } from "../src/index.ts";
import { Random } from "../test/fuzz/random.ts";
import { FakeUpstream } from "../test/support/fake-upstream.ts";
import { ManualClock } from "../test/support/manual-clock.ts";
import { printGoal } from "./goal.ts";
import { machine } from "./machine.ts";
import { noteFault, SimulatedClient, type Tally } from "./simulated-client.ts";

const [count = 1000, days = 365, seed = 1] = process.argv.slice(2).map(Number);
const strangersPerDay = 50;
const baseUrl = "https://mcp.example";

const random = new Random(seed);
const clock = new ManualClock(Date.UTC(2026, 0, 1));
const upstream = new FakeUpstream(clock.read);
const repositories = createInMemoryRepositories({ clock: clock.read });
const instances = Array.from(
  { length: 3 },
  () =>
    new McpOAuthProvider({
      baseUrl,
      scopes: ["user", "admin"],
      secret: "the secret of a year, with 32 characters or more",
      upstream,
      repositories,
      clock: clock.read,
      logger: false,
    }),
);
const tally: Tally = { registrations: 0, logins: 0, refreshes: 0, requests: 0, overdue: 0, faults: new Map() };
const clients = Array.from(
  { length: count },
  (_, index) => new SimulatedClient(index, { instances, clock, random, tally }),
);

/** How many records of each kind the store has, of the kinds that it has any of, those that ended included. */
function storeSize(): Readonly<Record<string, number>> {
  const sizes = Object.entries(repositories).map(
    ([kind, repository]) => [kind, repository instanceof InMemoryRepository ? repository.size : Number.NaN] as const,
  );
  return Object.fromEntries(sizes.filter(([, size]) => size !== 0));
}

console.log(machine());
console.log(`${count} clients, ${days} days, seed ${seed}\n`);
const began = performance.now();
const totals: number[] = [];
for (let day = 0; day < days; day += 1) {
  for (let stranger = 0; stranger < strangersPerDay; stranger += 1) await registerAsStranger(day, stranger);
  for (let hour = 0; hour < 24; hour += 1) {
    const awake = clients.filter((client) => client.wakes());
    for (const client of awake) await client.begin();
    // The processes wake minutes apart, each with the token that it read before.
    for (let process = 0; process < 3; process += 1) {
      for (const client of awake) await client.refresh(process);
      clock.advanceSeconds(420);
    }
    clock.advanceSeconds(3600 - 3 * 420);
  }
  if ((day + 1) % 30 !== 0) continue;
  const sizes = storeSize();
  totals.push(Object.values(sizes).reduce((sum, size) => sum + size, 0));
  const { heapUsed } = process.memoryUsage();
  console.log(
    `day ${day + 1}, after ${((performance.now() - began) / 1000).toFixed(0)} s: ${tally.logins} logins, ${tally.refreshes} refreshes, ` +
      `${(heapUsed / 2 ** 20).toFixed(0)} MiB, ${JSON.stringify(sizes)}`,
  );
}

console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s`);
console.log(
  `${tally.registrations} registrations, ${tally.logins} logins, of them ${tally.overdue} because a login had ended by its date, ` +
    `${tally.refreshes} refreshes, ${tally.requests} requests with a token\n`,
);
for (const [fault, times] of tally.faults) console.log(`${fault}: ${times}`);
const faults = [...tally.faults.values()].reduce((sum, times) => sum + times, 0);
printGoal("clients logged out, unknown or with another id, who should not be", faults, "at most", 0);
// All clients have logged in within three weeks, so the number of logins goes up and down with a quarter. It does not grow.
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const [early, late] = [totals.slice(2, totals.length / 2), totals.slice(totals.length / 2)];
if (early.length > 0) {
  printGoal("records in the store, second half of the year to the first", mean(late) / mean(early), "at most", 1.05);
}

async function registerAsStranger(day: number, stranger: number): Promise<void> {
  const metadata = { client_name: `stranger ${day} ${stranger}`, redirect_uris: ["https://stranger.example/callback"] };
  const body = JSON.stringify({
    ...metadata,
    token_endpoint_auth_method: stranger % 2 === 0 ? "none" : "client_secret_post",
  });
  const request = new Request(`${baseUrl}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const response = await instances[stranger % 3]?.fetch(request, { caller: `198.51.${day & 255}.${stranger}` });
  if (response?.status !== 201) noteFault(tally, "a stranger was refused", `day ${day}, stranger ${stranger}`);
}
