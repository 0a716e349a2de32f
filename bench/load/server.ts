/**
 * A whole server in a process of its own, for the load benchmarks: the authorization server and a guarded endpoint on
 * `node:http`, with an upstream that answers at once. It answers the messages of {@link ServerProcess}.
 *
 *     npx node bench/load/server.ts <memory, or the URL of a store> <on or off: overload> <iterations>
 *
 * Each refresh does so many iterations of PBKDF2 besides, where the server is to be slow and its clients are not.
 */
import { pbkdf2Sync } from "node:crypto";
import { createServer } from "node:http";
import { Session } from "node:inspector/promises";
import { McpOAuthProvider } from "../../src/index.ts";
import { protectMcp } from "../../src/integrations/node.ts";
import { wrapped } from "../../src/storage/capabilities.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../test/support/fake-upstream.ts";
import { jsonOf } from "../../test/support/json-of.ts";
import { ClientHarness, pkce } from "../../test/support/provider-harness.ts";
import type { Person } from "./clients.ts";
import { costsOf } from "./hottest.ts";
import { openStore } from "./store.ts";

/** The base URL of every server under load: URLs come from the configuration, whatever the port is. */
const baseUrl = "http://127.0.0.1:4000";
const [storeName = "memory", overload = "on", iterations = "0"] = process.argv.slice(2);
const repositories = await openStore(storeName);
const slowed = wrapped(repositories.refreshTokens, (method, run) => {
  if (method === "add" && isSlow) pbkdf2Sync("password", "salt", Number(iterations), 32, "sha256");
  return run();
});
let isSlow = false;
const provider = new McpOAuthProvider({
  baseUrl,
  scopes: ["user"],
  upstream: new FakeUpstream(Date.now),
  secret: "a secret of the load benchmarks, of 32 characters or more",
  repositories: iterations === "0" ? repositories : { ...repositories, refreshTokens: slowed },
  rateLimits: false,
  logger: false,
  ...(overload === "off" && { overload: false }),
});

/** Logs people in, without HTTP. Gives back what their clients have. */
async function logIn(count: number): Promise<readonly Person[]> {
  const harness = new ClientHarness(provider, baseUrl);
  const { client_id: clientId } = await harness.register();
  const people: Person[] = [];
  for (let index = 0; index < count; index++) {
    const { verifier, challenge } = pkce();
    const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
    const answer = await harness.finishLogin(logInAtFakeUpstream(location, `person-${index}`), cookie);
    const response = await harness.redeem({ clientId, code: answer.searchParams.get("code") ?? "", verifier });
    const { access_token: accessToken, refresh_token: refreshToken } = await jsonOf(response);
    people.push({ clientId, accessToken, refreshToken });
  }
  return people;
}

const profiler = new Session();
profiler.connect();
await profiler.post("Profiler.enable");

const answers: Readonly<Record<string, (count: number) => Promise<unknown>>> = {
  logIn,
  beSlow: async () => {
    isSlow = true;
  },
  usage: async () => process.cpuUsage(),
  startProfile: () => profiler.post("Profiler.start"),
  stopProfile: async () => costsOf((await profiler.post("Profiler.stop")).profile),
};
/** Whoever asked may be gone. */
function answer(value: unknown): void {
  process.send?.({ answer: value }, () => undefined);
}

process.on("message", async ({ ask, count }: { readonly ask: string; readonly count: number }) => {
  answer(await answers[ask]?.(count));
});
process.on("disconnect", () => process.exit());

const listener = protectMcp(provider, (_, response) => {
  response.setHeader("content-type", "application/json");
  response.end('{"jsonrpc":"2.0","id":1,"result":{}}');
});
const server = createServer(listener);
server.keepAliveTimeout = 60_000;
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => answer(server.address()));
