import { markdownTable } from "./markdown-table.ts";
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
    markdownTable(columns, rows),
    "",
    "What it takes for granted, and where each figure is from:",
    "",
    markdownTable(
      ["Taken for granted", "", "From"],
      [
        ["cores of a machine, with a process each", assumed.coresOfMachine, "assumed"],
        [
          "how busy a core is on average",
          `${assumed.busy * 100} %`,
          "assumed: the rest is for peaks, and for a machine that is out",
        ],
        ["calls of tools of somebody at work, a minute", assumed.callsAMinute, "assumed"],
        ["hours between refreshes", assumed.hoursBetweenRefreshes, "the default life of an access token"],
        ["days between logins", assumed.daysBetweenLogins, "assumed; no default ends a login sooner"],
        ["hours of a day in which logins happen", assumed.hoursOfLogins, "assumed"],
        ["calls to Vault for a refresh", assumed.vaultCallsOfRefresh, "counted in a test"],
        ["CPU of a refresh, ms", refresh.toFixed(2), "measured above (load)"],
        ["CPU of a login, ms", login.toFixed(2), "measured above (load)"],
        ["CPU of a guarded call with HTTP around it, ms", call.toFixed(2), "measured above (load)"],
        ["Redis memory of a login and what it leaves, bytes", Math.round(memory), "measured above (load)"],
        ["calls to Vault for a login", vaultCalls, "measured above (vault-login)"],
      ],
    ),
    "",
    `The CPU was measured on: ${machineOfLoad(recorded)}.`,
    "",
    "What it leaves out: the tools' own work, which comes on top; the CPU that the store's client costs, since the server had its store in memory (the load over Redis and Postgres above has it); what a single Redis serves, which the CPU of the store for each request bounds; TLS; the network. It follows from a measurement on one machine, and nobody has run a thousand.",
  ].join("\n");
}

/** Where the figures of CPU are from: beside other work they say what such a machine does on such a day. */
function machineOfLoad(recorded: readonly Recorded[]): string {
  return recorded.find(({ name }) => name === "load")?.runs.at(-1)?.machine ?? "an unknown machine";
}

/** Two digits of a large number are as many as the assumptions bear. */
function rounded(value: number): string {
  const digits = value >= 100 ? 10 ** (Math.floor(Math.log10(value)) - 1) : 1;
  return value < 10 && !Number.isInteger(value)
    ? value.toPrecision(2)
    : (Math.round(value / digits) * digits).toLocaleString("en");
}
