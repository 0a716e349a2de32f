import { OAuthError, PangeaOAuthProvider } from "../../src/index.ts";
import { toOAuthError } from "../../src/provider/oauth-failure.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { type Change, drawRequest } from "./drawn-request.ts";
import { type Endpoint, endpoints } from "./endpoints.ts";
import { FuzzedStore } from "./fuzzed-store.ts";
import { FuzzedUpstream } from "./fuzzed-upstream.ts";
import { baseUrl, HonestClient, type Progress } from "./honest-client.ts";
import { mutateJsonText } from "./mutations.ts";
import { faultOf } from "./oracle.ts";
import { Random } from "./random.ts";

const recordKinds = [
  ...(["access_token", "authorization_code", "refresh_token", "client", "grant"] as const),
  "account_session",
] as const;
const upstreamSecret = "pck_the-secret-of-this-server-at-pangea";
const keptLogins = 16;
const requestsPerSecond = 10;
const requestsPerLogin = 40;

/** What a run found. */
export interface FuzzReport {
  requests: number;
  /** Answers by status. */
  readonly statuses: Map<number, number>;
  /** Granted requests, by endpoint. */
  readonly granted: Map<string, number>;
  /** What was done to each parameter, by `endpoint.parameter`. */
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
 * Sends a number of requests to a provider: good ones, which must succeed, between bad ones, which must be refused well.
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
  const store = new FuzzedStore(clock.read);
  const upstream = new FuzzedUpstream();
  const options = {
    mcpBaseUrl: baseUrl,
    mcpScopes: ["user", "admin"],
    pangeaAuthnIssuerUrl: "https://login.example",
    pangeaAuthnClientId: "psa_the-id-of-this-server-at-pangea",
    pangeaAuthnClientSecret: upstreamSecret,
    pangeaAuthnScopes: ["user"],
    logger: false as const,
    repositories: store.repositories,
    rateLimits: false as const,
    upstreamTimeout: 1000,
    fetch: upstream.fetch,
    clock: clock.read,
    // Short, so that what a long run leaves behind stays a bounded number of records.
    clientRegistration: { unusedLifetimeSeconds: 600 },
    refreshTokenLifetimeSeconds: 600,
    accessTokenLifetimeSeconds: 600,
    grantLifetimeSeconds: 600,
  };
  const internals = { delay: async () => {}, resolve: async () => [] };
  await using provider = new PangeaOAuthProvider(options, internals);
  const honest = new HonestClient(provider);
  const report: FuzzReport = {
    requests: 0,
    statuses: new Map(),
    granted: new Map(),
    covered: new Map(),
    corrupted: store.corrupted,
    faults: [],
    faultCount: 0,
    crashes: 0,
  };
  const note = (what: string): void => {
    report.faultCount += 1;
    if (report.faults.length < 20) report.faults.push(`request ${report.requests}: ${what}`);
  };
  const logins: Progress[] = [];

  for (let round = 0; report.requests < requests; round += 1) {
    if (round % requestsPerLogin === 0) {
      try {
        upstream.user = `pui_${round / requestsPerLogin}`;
        logins.push(await honest.logIn(upstream.user, random.oneIn(2)));
        if (logins.length > keptLogins) logins.shift();
      } catch (failure) {
        note(failure instanceof Error ? failure.message : String(failure));
      }
      // Nothing here waits for anything: without a turn of the event loop no timer would ever run out.
      await new Promise(setImmediate);
      onProgress(report);
    }
    const mine = random.pick(logins);
    upstream.user = mine.user;
    const endpoint = random.pick(endpoints);
    const drawn = drawRequest(random, endpoint, mine, random.pick(logins));
    countChanges(report.covered, endpoint, Object.keys(endpoint.parameters(mine)), drawn.changed);

    const isTroubled = random.oneIn(6);
    if (isTroubled && random.oneIn(2)) upstream.spoiler = random;
    else if (isTroubled) {
      store.corruption = { kind: random.pick(recordKinds), corrupt: (text) => mutateJsonText(random, text) };
    }
    try {
      const response = await answer(provider, endpoint, drawn.request);
      count(report.statuses, response.status);
      const location = response.headers.get("location");
      const target = location === null ? undefined : new URL(location);
      if (endpoint.isGranted(response, target, await response.clone().text())) count(report.granted, endpoint.name);
      const fault = await faultOf(drawn, response, isTroubled, [upstreamSecret]);
      if (fault !== undefined) note(`${fault} (${endpoint.name}, ${describe(drawn.changed, isTroubled)})`);
    } catch (failure) {
      report.crashes += 1;
      note(`${failure instanceof Error ? failure.stack : failure} (${endpoint.name})`);
    }
    store.corruption = undefined;
    upstream.spoiler = undefined;
    report.requests += 1 + honest.requests;
    honest.requests = 0;
    if (round % requestsPerSecond === 0) clock.advanceSeconds(1);
  }
  return report;
}

/** What a server does with a request: the provider's own routes, its guard, or a tool that asks for Pangea's token. */
async function answer(provider: PangeaOAuthProvider, endpoint: Endpoint, request: Request): Promise<Response> {
  if (endpoint.place !== "header") return provider.fetch(request);
  if (endpoint.name === "the MCP endpoint") {
    const info = await provider.authenticate(request);
    return info instanceof Response ? info : new Response("{}", { headers: { "content-type": "application/json" } });
  }
  try {
    const { subject } = await provider.pangeaToken({ token: request.headers.get("token") ?? "" });
    return Response.json({ subject });
  } catch (failure) {
    const error = toOAuthError(failure);
    if (!(failure instanceof OAuthError) && error.status !== 503) throw failure;
    return Response.json({ error: error.error }, { status: error.status, headers: { "retry-after": "1" } });
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
  for (const name of names) {
    const parameter = `${endpoint.name}.${name}`;
    const known = covered.get(parameter) ?? new Set();
    const change = changed.get(name);
    covered.set(parameter, change === undefined ? known : known.add(change));
  }
}

function describe(changed: ReadonlyMap<string, Change>, isTroubled: boolean): string {
  const parts = [...changed].map(([name, change]) => `${name} ${change}`);
  return [...parts, ...(isTroubled ? ["in trouble"] : [])].join(", ") || "nothing changed";
}
