/**
 * A login and a refresh, from the first request to the last, beside other authorization servers: oidc-provider, better-auth's
 * MCP plugin, FastMCP's OAuthProxy and workers-oauth-provider. All serve HTTP in this process, from memory, to the same
 * client, one flow after another: what a flow takes is what it costs in CPU, the client's part included.
 *
 *     npx node bench/flows.ts
 */
import { betterAuthMcp } from "./flows/better-auth.ts";
import { fastmcpProxy } from "./flows/fastmcp.ts";
import { oidcProvider } from "./flows/oidc-provider.ts";
import { thisPackage } from "./flows/this-package.ts";
import { workersOAuthProvider } from "./flows/workers-oauth-provider.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";

await using ours = await thisPackage();
await using oidc = await oidcProvider();
await using better = await betterAuthMcp();
await using fastmcp = await fastmcpProxy();
await using workers = await workersOAuthProvider();
console.log(machine());
const name = "this package";
const others = { "oidc-provider": oidc, "better-auth, mcp": better, "fastmcp, OAuthProxy": fastmcp } as const;
const all = { [name]: ours, ...others, "workers-oauth-provider": workers };
const withRemembered: ReturnType<typeof flowsOf> = { [`${name}, consent remembered`]: () => ours.logInAgain() };
const logins = await measureInTurns({ ...flowsOf("logIn"), ...withRemembered }, { rounds: 400, runsPerRound: 1 });
const refreshes = await measureInTurns(flowsOf("refresh"), { rounds: 800, runsPerRound: 2 });
for (const [flow, measured] of Object.entries({ login: logins, refresh: refreshes })) {
  measured.print(`A ${flow} over HTTP`, "oidc-provider");
  for (const other of Object.keys(all).filter((other) => other !== name)) {
    const estimate = measured.estimate(name, other);
    printGoal(`a ${flow} to that of ${other}`, estimate.value, "at most", 1, estimate);
  }
}
process.exit();

function flowsOf(flow: "logIn" | "refresh"): Record<string, () => Promise<unknown>> {
  return Object.fromEntries(Object.entries(all).map(([of, server]) => [of, () => server[flow]()]));
}
