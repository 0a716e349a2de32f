import { type McpOAuthProvider, OAuthError, PangeaOAuthProvider, UpstreamRejectedError } from "../../src/index.ts";
import { toOAuthError } from "../../src/provider/oauth-failure.ts";
import type { RecordKind } from "../../src/records/repositories.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { type Change, drawRequest } from "./drawn-request.ts";
import { type Endpoint, endpoints } from "./endpoints.ts";
import { fuzzedServers } from "./fuzzed-server.ts";
import { clientAtUpstreams } from "./fuzzed-upstream.ts";
import { mutateJsonText } from "./mutations.ts";
import { faultOf } from "./oracle.ts";
import { Random } from "./random.ts";

/** The kinds of records that are changed. */
export const recordKinds = [
  ...(["access_token", "authorization_code", "refresh_token", "client", "grant"] as const),
  ...(["account_session", "upstream_session"] as const),
] as const satisfies readonly RecordKind[];
const requestsPerSecond = 10;
const requestsPerLogin = 40;
const loginsPerRestart = 50;

/** What a run found. */
export interface FuzzReport {
  requests: number;
  /** Answers by status. */
  readonly statuses: Map<number, number>;
  /** Granted requests, by endpoint. */
  readonly granted: Map<string, number>;
  /** What was done to each parameter, by the method, the path and the parameter. */
  readonly covered: Map<string, Set<Change>>;
  /** How often a changed record was read, by kind. */
  readonly corrupted: ReadonlyMap<string, number>;
  /** The first things that were wrong. */
  readonly faults: string[];
  faultCount: number;
  /** Calls that rejected in place of answering. */
  crashes: number;
}

/**
 * Sends a number of requests to a server of one upstream and to a server of several: good ones, which must succeed, between
 * bad ones, which must be refused well.
 *
 * @param seed - The same one makes the same choices.
 * @param onProgress - Called after each login, so that a long run can be watched.
 */
export async function fuzz(
  seed: number,
  requests: number,
  onProgress: (report: FuzzReport) => void = () => {},
): Promise<FuzzReport> {
  const random = new Random(seed);
  const clock = new ManualClock();
  const servers = fuzzedServers(clock);
  await using running = new AsyncDisposableStack();
  for (const server of servers) running.use(server);
  const choices = servers.map(({ upstreams }) =>
    endpoints.filter(({ needsChoice }) => needsChoice !== true || upstreams.length > 1),
  );
  const corrupted = new Map<string, number>();
  const report: FuzzReport = {
    requests: 0,
    statuses: new Map(),
    granted: new Map(),
    covered: new Map(),
    corrupted,
    faults: [],
    faultCount: 0,
    crashes: 0,
  };
  const note = (what: string): void => {
    report.faultCount += 1;
    if (report.faults.length < 20) report.faults.push(`request ${report.requests}: ${what}`);
  };
  for (let round = 0; report.requests < requests; round += 1) {
    if (round % requestsPerLogin === 0) {
      const login = round / requestsPerLogin;
      // Each in its turn, after a first login at all.
      for (const server of servers.filter((_, index) => login === 0 || login % servers.length === index)) {
        try {
          if (login > 0 && random.oneIn(loginsPerRestart)) await server.restart();
          await server.logInHonestly(random);
        } catch (failure) {
          note(failure instanceof Error ? failure.message : String(failure));
        }
      }
      // Nothing here waits for anything: without a turn of the event loop no timer would ever run out.
      await new Promise(setImmediate);
      onProgress(report);
    }
    const at = random.below(servers.length);
    const [server, known] = [servers[at], choices[at]];
    if (server === undefined || known === undefined) throw new RangeError("There is no such server.");
    const { provider, store, upstream } = server;
    const mine = server.login(random);
    const endpoint = random.pick(known);
    const drawn = drawRequest(random, endpoint, mine, server.login(random));
    countChanges(report.covered, endpoint, Object.keys(endpoint.parameters(mine)), drawn.changed);

    const isTroubled = random.oneIn(6);
    if (isTroubled && random.oneIn(2)) upstream.spoiler = random;
    else if (isTroubled) {
      // Few requests read the session upstream that a refresh has left.
      const isSession = endpoint.path === "/upstream-token" && random.oneIn(2);
      const kind = isSession ? "upstream_session" : random.pick(recordKinds);
      const corrupt = (text: string) => {
        count(corrupted, kind);
        return mutateJsonText(random, text);
      };
      store.corruption = { kind, corrupt };
    }
    try {
      const response = await answer(provider, endpoint, drawn.request);
      count(report.statuses, response.status);
      const location = response.headers.get("location");
      const target = location === null ? undefined : new URL(location);
      if (endpoint.isGranted(response, target, await response.clone().text())) count(report.granted, endpoint.name);
      const fault = await faultOf(drawn, response, isTroubled, [clientAtUpstreams.secret]);
      if (fault !== undefined) note(`${fault} (${endpoint.name}, ${describe(drawn.changed, isTroubled)})`);
    } catch (failure) {
      report.crashes += 1;
      note(`${failure instanceof Error ? failure.stack : failure} (${endpoint.name})`);
    }
    store.corruption = undefined;
    upstream.spoiler = undefined;
    report.requests += 1;
    for (const { honest } of servers) {
      report.requests += honest.requests;
      honest.requests = 0;
    }
    if (round % requestsPerSecond === 0) clock.advanceSeconds(1);
  }
  return report;
}

/** What a server does with a request: the provider's own routes, its guard, or a tool that asks for the user's token upstream. */
async function answer(provider: McpOAuthProvider, endpoint: Endpoint, request: Request): Promise<Response> {
  if (endpoint.place !== "header") return provider.fetch(request);
  if (endpoint.path === "/mcp") {
    const info = await provider.authenticate(request);
    return info instanceof Response ? info : new Response("{}", { headers: { "content-type": "application/json" } });
  }
  try {
    const shown = { token: request.headers.get("token") ?? "" };
    const isPangeas = provider instanceof PangeaOAuthProvider;
    const { subject } = await (isPangeas ? provider.pangeaToken(shown) : provider.upstreamToken(shown));
    return Response.json({ subject });
  } catch (failure) {
    // An upstream that refuses this server is an outage to whoever calls a tool.
    const status = failure instanceof UpstreamRejectedError ? 503 : toOAuthError(failure).status;
    if (!(failure instanceof OAuthError) && status !== 503) throw failure;
    return Response.json({ error: toOAuthError(failure).error }, { status, headers: { "retry-after": "1" } });
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function countChanges(
  covered: Map<string, Set<Change>>,
  endpoint: Endpoint,
  names: readonly string[],
  changed: ReadonlyMap<string, Change>,
): void {
  const path = typeof endpoint.path === "string" ? endpoint.path : "callback";
  for (const name of names) {
    const parameter = `${endpoint.method} ${path} ${name}`;
    const known = covered.get(parameter) ?? new Set();
    const change = changed.get(name);
    covered.set(parameter, change === undefined ? known : known.add(change));
  }
}

function describe(changed: ReadonlyMap<string, Change>, isTroubled: boolean): string {
  const parts = [...changed].map(([name, change]) => `${name} ${change}`);
  return [...parts, ...(isTroubled ? ["in trouble"] : [])].join(", ") || "nothing changed";
}
