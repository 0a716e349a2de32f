import { figureOf, type Recorded } from "./recorded.ts";

/** What the capacity table takes for granted. */
const assumed = {
  coresOfMachine: 4,
  /** How busy a core may be on average, so that there is room for peaks. */
  busy: 0.5,
  /** Of somebody who is at work: calls of tools a minute, and hours between refreshes. */
  callsAMinute: 6,
  hoursBetweenRefreshes: 1,
  /** Days between logins, all of which happen within the hours of a working day. */
  daysBetweenLogins: 30,
  hoursOfLogins: 8,
  /** Vault's calls of a refresh; those of a login are measured. */
  vaultCallsOfRefresh: 6,
} as const;

/** How much so many machines serve, by what was measured on one; undefined where something was not measured. */
export function capacityTable(recorded: readonly Recorded[]): string | undefined {
  const refresh = figureOf(recorded, "CPU of a refresh (ms)");
  const login = figureOf(recorded, "CPU of a login (ms)");
  const call = figureOf(recorded, "CPU of a guarded call (ms)");
  const memory = figureOf(recorded, "Redis memory of a login (bytes)");
  const vaultCalls = figureOf(recorded, "Vault calls of a login");
  if (!refresh || !login || !call || !memory || !vaultCalls) return undefined;

  const perPerson = {
    calls: assumed.callsAMinute / 60,
    refreshes: 1 / (assumed.hoursBetweenRefreshes * 3600),
    logins: 1 / (assumed.daysBetweenLogins * assumed.hoursOfLogins * 3600),
  };
  const milliseconds = perPerson.calls * call + perPerson.refreshes * refresh + perPerson.logins * login;
  const rows = [1, 10, 1000].map((machines) => {
    const people = (machines * assumed.coresOfMachine * assumed.busy * 1000) / milliseconds;
    const calls = people * perPerson.refreshes * assumed.vaultCallsOfRefresh + people * perPerson.logins * vaultCalls;
    return [
      machines,
      people,
      people * perPerson.calls,
      people * perPerson.refreshes,
      people * perPerson.logins,
      (people * memory) / 2 ** 30,
      calls,
    ].map(rounded);
  });
  const columns = [
    "Machines",
    "People at work",
    "Guarded calls a second",
    "Refreshes a second",
    "Logins a second",
    "Redis memory, GiB",
    "Calls to Vault a second, were it the store",
  ];
  return [
    `| ${columns.join(" | ")} |`,
    `| ${columns.map(() => "--:").join(" | ")} |`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
    "",
    `Taken for granted: ${assumed.coresOfMachine} cores a machine, a process each, busy for ${assumed.busy * 100} % of the time; somebody at work calls ${assumed.callsAMinute} tools a minute, refreshes every ${assumed.hoursBetweenRefreshes} hour, and logs in every ${assumed.daysBetweenLogins} days within ${assumed.hoursOfLogins} hours of a day. Measured above: ${refresh.toFixed(2)} ms of CPU for a refresh, ${login.toFixed(2)} for a login, ${call.toFixed(2)} for a guarded call with HTTP around it, ${Math.round(memory)} bytes of Redis for a login and what it leaves, ${vaultCalls} calls to Vault for a login. The CPU is that of the server with its store in memory: with Redis a request costs more, the tools' own work comes on top, and what a single Redis serves was not measured. It follows from a measurement on one machine, and nobody has run a thousand.`,
  ].join("\n");
}

/** Two digits of a large number are as many as the assumptions bear. */
function rounded(value: number): string {
  const digits = value >= 100 ? 10 ** (Math.floor(Math.log10(value)) - 1) : 1;
  return value < 10 && !Number.isInteger(value)
    ? value.toPrecision(2)
    : (Math.round(value / digits) * digits).toLocaleString("en");
}
