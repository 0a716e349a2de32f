/**
 * A login and a refresh, from the first request to the last, beside oidc-provider. Both serve HTTP in this process, from
 * memory, to the same client, one flow after another: what a flow takes is what it costs in CPU, the client's part included.
 *
 *     npx node bench/flows.ts
 */
import { oidcProvider, thisPackage } from "./flows/servers.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";

await using ours = await thisPackage();
await using theirs = await oidcProvider();
console.log(machine());
const logins = await measureInTurns(
  { "this package": () => ours.logIn(), "oidc-provider": () => theirs.logIn() },
  { rounds: 400, runsPerRound: 1 },
);
const refreshes = await measureInTurns(
  { "this package": () => ours.refresh(), "oidc-provider": () => theirs.refresh() },
  { rounds: 800, runsPerRound: 2 },
);
for (const [name, measured] of Object.entries({ login: logins, refresh: refreshes })) {
  measured.print(`A ${name} over HTTP`, "oidc-provider");
  const estimate = measured.estimate("this package", "oidc-provider");
  printGoal(`a ${name} to oidc-provider's`, estimate.value, "at most", 1, estimate);
}
