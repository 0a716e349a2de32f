import type { Endpoint } from "./endpoints.ts";
import { upstreamIds } from "./fuzzed-upstream.ts";
import { baseUrl, type Progress } from "./honest-client.ts";
import { hostileTexts, mutateJson, mutateText } from "./mutations.ts";
import type { Random } from "./random.ts";

/** What can be done to a parameter. */
export const changes = ["left out", "empty", "repeated", "mutated", "hostile", "another's"] as const;
export type Change = (typeof changes)[number];

/** A request that differs from a good one in known ways. */
export interface DrawnRequest {
  readonly endpoint: Endpoint;
  readonly request: Request;
  /** What was done to which parameter. */
  readonly changed: ReadonlyMap<string, Change>;
  /** True where what decides is neither all of one login nor all of another. */
  readonly mustBeRefused: boolean;
}

const contentTypes = {
  query: undefined,
  header: undefined,
  form: "application/x-www-form-urlencoded",
  json: "application/json",
} as const;

/** Draws a request to an endpoint. */
export function drawRequest(random: Random, endpoint: Endpoint, mine: Progress, others: Progress): DrawnRequest {
  const good = endpoint.parameters(mine);
  const foreign = endpoint.parameters(others);
  const names = Object.keys(good);
  const values: [string, unknown][] = [];
  const changed = new Map<string, Change>();
  const rate = 2 + random.below(names.length * 2);
  let isMine = true;
  let isOthers = true;
  for (const name of names) {
    const value = good[name];
    const change = random.oneIn(rate) ? random.pick(changes) : undefined;
    const drawn = change === undefined ? [value] : altered(random, change, value, foreign[name]);
    const sent = endpoint.place === "json" ? drawn : drawn.map((one) => asText(endpoint.place, one));
    if (change !== undefined) changed.set(name, change);
    if (endpoint.decisive.includes(name)) {
      isMine &&= isGood(name, sent, value);
      isOthers &&= isGood(name, sent, foreign[name]);
    }
    for (const one of sent) if (one !== undefined) values.push([name, one]);
  }
  if (random.oneIn(10)) values.push([random.pick(hostileTexts), random.pick(hostileTexts)]);

  const headers = new Headers();
  const cookie = endpoint.cookie?.(mine);
  if (cookie !== undefined) {
    const sent = random.oneIn(6) ? headerText(mutateText(random, cookie)) : random.oneIn(12) ? "" : cookie;
    if (endpoint.decisive.includes("cookie")) {
      isMine &&= holdsCookies(sent, cookie);
      isOthers &&= holdsCookies(sent, endpoint.cookie?.(others) ?? "");
    }
    headers.set("cookie", sent);
  }
  const isBroken = endpoint.place !== "query" && endpoint.place !== "header" && random.oneIn(25);
  return {
    endpoint,
    request: requestOf(random, endpoint, pathOf(endpoint, mine), values, headers, isBroken),
    changed,
    // A broken body may have lost what was wrong in it.
    mustBeRefused: endpoint.isForbidden === true || (!isMine && !isOthers && !isBroken),
  };
}

function pathOf({ path }: Endpoint, progress: Progress): string {
  return typeof path === "string" ? path : path(progress);
}

function altered(random: Random, change: Change, value: unknown, foreign: unknown): readonly unknown[] {
  switch (change) {
    case "left out":
      return [undefined];
    case "empty":
      return [typeof value === "string" || value === undefined ? "" : Array.isArray(value) ? [] : null];
    case "repeated":
      return [value ?? "x", random.pick(hostileTexts)];
    case "mutated":
      return [typeof value === "string" ? mutateText(random, value) : mutateJson(random, value ?? "x")];
    case "hostile":
      return [random.pick(hostileTexts)];
    case "another's":
      return [foreign];
  }
}

/** What is left of a value on its way in a query, a form or a header. */
function asText(place: Endpoint["place"], value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return place === "header" ? headerText(String(value)) : String(value);
}

/** What scripts make of a value that is not set: it counts as left out, where a parameter may be left out. */
const unset: readonly unknown[] = ["undefined", "null", "None"];
const dispensable: readonly string[] = ["client_secret", "resource"];

/** Whether what is sent amounts to the good value. A parameter without a value is one that is left out. */
function isGood(name: string, sent: readonly unknown[], good: unknown): boolean {
  const isUnset = (value: unknown): boolean => dispensable.includes(name) && unset.includes(value);
  // The same value twice says no more than once.
  const there = [...new Set(sent)].filter((value) => value !== undefined && value !== "" && !isUnset(value));
  // A public client has no secret, and what it shows all the same is not looked at.
  if (name === "client_secret" && good === undefined) return true;
  if (there.length === 0) return good === undefined || name === "redirect_uri" || name === "resource";
  if (name === "resource") return there.every((value) => isPlaceOf(value, good));
  return there.length === 1 && plainly(name, there[0]) === plainly(name, good);
}

/** Whether a resource is the good one, with or without a query, or a URL above it. */
function isPlaceOf(value: unknown, good: unknown): boolean {
  if (typeof value !== "string" || typeof good !== "string" || !URL.canParse(value) || value.includes("#"))
    return false;
  const { origin, pathname, username, password } = new URL(value);
  const place = origin + pathname.replace(/\/$/, "");
  return username === "" && password === "" && (good === place || good.startsWith(`${place}/`));
}

const choiceOfUpstream = new RegExp(`^(allow|sign-in):(?:${upstreamIds.join("|")})(?::.*)?$`, "s");

/** Without the differences that the specifications forgive. */
function plainly(name: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  // Whoever may log in at one upstream may log in at another. What follows the choice is left out.
  if (name === "decision" || name === "action") return value.replace(choiceOfUpstream, "$1:");
  if (name === "authorization") return value.replace(/^bearer +/i, "Bearer ").trim();
  if (name !== "redirect_uri" || !URL.canParse(value)) return value;
  const url = new URL(value);
  url.port = "";
  return url.href.replace(/\/$/, "");
}

/** Whether the good cookies are there. What follows `browser` in a name only keeps those of several pages apart. */
function holdsCookies(sent: string, good: string): boolean {
  const pairsOf = (cookies: string) =>
    cookies.split(/; */).map((pair) => pair.trim().replace(/^(pangea_mcp_browser)[\w-]*(?==)/, "$1"));
  const pairs = pairsOf(sent);
  return pairsOf(good).every((pair) => pairs.includes(pair));
}

function requestOf(
  random: Random,
  endpoint: Endpoint,
  path: string,
  values: [string, unknown][],
  headers: Headers,
  isBroken: boolean,
): Request {
  const { place } = endpoint;
  const method = random.oneIn(40)
    ? random.pick(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
    : endpoint.method;
  const texts = values.map(([name, value]): [string, string] => [name, String(value)]);
  if (place === "form") headers.set("origin", baseUrl);
  for (const name of ["origin", "host", "x-forwarded-host", "x-forwarded-for", "accept", "referer"]) {
    if (random.oneIn(30)) headers.set(name, headerText(random.pick(hostileTexts)));
  }
  const type = random.oneIn(20) ? headerText(random.pick([...hostileTexts, "text/plain"])) : contentTypes[place];
  if (type !== undefined) headers.set("content-type", type);
  if (place === "form" && random.oneIn(20)) headers.set("authorization", headerText(random.pick(hostileTexts)));
  if (place === "header") for (const [name, text] of texts) setHeader(headers, name, text);
  const url = baseUrl + path + (place === "query" ? `?${new URLSearchParams(texts)}` : "");
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers });
  return new Request(url, {
    method,
    headers,
    body: isBroken ? mutateText(random, bodyOf(place, values, texts)) : bodyOf(place, values, texts),
  });
}

function bodyOf(place: Endpoint["place"], values: [string, unknown][], texts: [string, string][]): string {
  return place === "json" ? JSON.stringify(Object.fromEntries(values)) : String(new URLSearchParams(texts));
}

/** Headers hold visible Latin-1 only; a runtime lets nothing else through. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e\xa0-\xff]/g, "").trim();
}

function setHeader(headers: Headers, name: string, text: string): void {
  if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) headers.set(name, headerText(text));
}
