import { environmentRemnant, urlRemnant } from "./environment-text.ts";
import { ConfigurationError } from "./errors.ts";

/**
 * Checks a text.
 *
 * @throws {ConfigurationError} when the value is no string with something in it.
 */
export function requireText(name: string, value: unknown): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  const isUnset = value === undefined || value === null || typeof value === "string";
  throw new ConfigurationError(
    isUnset
      ? `${name} is missing: give it a non-empty string. Is the environment variable set that it comes from?`
      : `${name} must be a non-empty string.`,
  );
}

/**
 * Checks a text that is compared or sent as it is, such as a secret or an id: white space around it came with it from a
 * file or from the clipboard, quotes and the like from a file of environment variables.
 *
 * @throws {ConfigurationError} when the value is no such text. The message does not have the value.
 */
export function requireExactText(name: string, value: unknown): string {
  const text = requireText(name, value);
  requireThat(
    text === text.trim(),
    `${name} has white space or a line break around it: take that off, as with trim().`,
  );
  requireThat(!text.includes("…"), `${name} has the … of an example in it: put your own in its place.`);
  requireNoRemnant(name, environmentRemnant(text));
  return text;
}

function requireNoRemnant(name: string, remnant: string | undefined): void {
  requireThat(remnant === undefined, `${name} ${remnant}${remnant?.endsWith("?") ? "" : "."}`);
}

/**
 * An https URL, or an http one on loopback. Keeps a string as it was written: issuers are compared byte for byte, and a
 * URL object would add a slash.
 *
 * @param example - What such a URL looks like, for the message. Default: that of an MCP server.
 * @throws {ConfigurationError} when it is none, or one that nobody can reach or that several were made of.
 */
export function requireHttpUrl(name: string, value: unknown, example = "https://mcp.example.org"): string {
  const given = value instanceof URL ? value.href.replace(/\/$/, "") : requireExactText(name, value);
  const isOne = !/[,;]\s*https?:\/\//i.test(given);
  requireThat(isOne, `${name} has several URLs in it: give one, such as "${example}".`);
  if (!URL.canParse(given)) {
    throw new ConfigurationError(`${name} must be an absolute URL, such as "${example}".`);
  }
  const url = new URL(given);
  requireNoRemnant(name, urlRemnant(url));
  // What a URL parser would forgive is published as it was written, and clients compare it.
  if (!/^https?:\/\/[^/\\]/i.test(given) || given.includes("\\")) {
    throw new ConfigurationError(
      `${name} must begin with https:// or, for a loopback host, http://, and have no backslash.`,
    );
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopbackHost(url.hostname))) {
    throw new ConfigurationError(`${name} must use https; plain http is for loopback hosts only.`);
  }
  if (url.username !== "" || url.password !== "" || /[?#\s]/.test(given)) {
    throw new ConfigurationError(`${name} must not have user information, a query, a fragment or white space.`);
  }
  return given;
}

/**
 * The URL of an issuer: what {@link requireHttpUrl} takes, and not the address of the document in which it says what it is.
 *
 * @throws {ConfigurationError} when it is none.
 */
export function requireIssuerUrl(name: string, value: unknown, example?: string): string {
  const issuer = requireHttpUrl(name, value, example);
  const document = /\/\.well-known(?:\/[^/]*)?/.exec(issuer)?.[0];
  requireThat(
    document === undefined,
    `${name} is the address of a document: leave ${document} off. An issuer is what that document names as its issuer.`,
  );
  return issuer;
}

/**
 * Checks a length of time, and fills in its default.
 *
 * @throws {ConfigurationError} when the value is not above 0 and up to `max`.
 */
export function requireDuration(
  name: string,
  value: number | undefined,
  fallback: number,
  max: number,
  unit: "seconds" | "milliseconds",
): number {
  if (value === undefined) return fallback;
  if (!Number.isFinite(value) || value <= 0 || value > max) {
    // A time in milliseconds is a thousand times too long where seconds are asked for, and seldom has a part of a second.
    const isWhole = Number.isFinite(value) && value % 1000 === 0;
    const isThousandfold = unit === "seconds" && isWhole && value > max && value / 1000 <= max;
    const remedy = isThousandfold ? ` ${value} looks like milliseconds: give ${value / 1000}.` : "";
    throw new ConfigurationError(`${name} must be a number of ${unit} above 0 and up to ${max}.${remedy}`);
  }
  // Nobody answers within a few milliseconds: with such a deadline everything would fail.
  if (unit === "milliseconds") requireNoSeconds(name, value, 50);
  return value;
}

/**
 * Checks that a time in milliseconds is not so short that whoever gave it has thought of seconds.
 *
 * @param shortest - The shortest time that is meant, in milliseconds. Default: 100.
 * @throws {ConfigurationError} when it is shorter. The message says what was meant.
 */
export function requireNoSeconds(name: string, milliseconds: number, shortest = 100): void {
  const remedy = `give ${milliseconds * 1000}.`;
  requireThat(
    milliseconds >= shortest,
    `${name} is in milliseconds, and ${milliseconds} looks like seconds: ${remedy}`,
  );
}

/**
 * Checks a length of time that a timer is set to: one that is longer than 2 ** 31 - 1 milliseconds would fire at once.
 *
 * @param name - The option's name, for the message.
 * @param milliseconds - What was given.
 * @throws {ConfigurationError} For anything but a positive number that a timer takes.
 */
export function requireTimerLength(name: string, milliseconds: number): void {
  if (typeof milliseconds === "number" && milliseconds > 0 && milliseconds < 2 ** 31) return;
  throw new ConfigurationError(`${name} must be a positive number of milliseconds, below 2 ** 31.`);
}

/**
 * Checks how long an answer is waited for. Nobody answers within a few milliseconds: with such a deadline everything would
 * fail, so whoever gives one has most likely thought of seconds.
 *
 * @throws {ConfigurationError} when it is not a number of milliseconds that a timer takes, or looks like seconds.
 */
export function requireTimeout(name: string, milliseconds: number): void {
  requireTimerLength(name, milliseconds);
  requireNoSeconds(name, milliseconds, 50);
}

/**
 * Checks a rule that an option must keep.
 *
 * @param rule - The message: it names the option and says what it should be.
 * @throws {ConfigurationError} when the option breaks the rule.
 */
export function requireThat(isKept: boolean, rule: string): asserts isKept {
  if (!isKept) throw new ConfigurationError(rule);
}

/** What an option is; `any` where more is asked of it than its kind, by whoever reads it. */
export type OptionKind = "any" | "boolean" | "function" | "object" | "text";

/** The kind of every option of an object of options. The compiler refuses a table that leaves one out. */
export type OptionKinds<Options extends object> = { readonly [Name in keyof Required<Options>]: OptionKind };

/**
 * Checks an object of options: that it has no member but options, and that each is of its kind. An option that is
 * undefined is one that was left out.
 *
 * @param owner - What takes the options, for the message.
 * @param given - The object; undefined where all options are left out.
 * @param kinds - All options that there are.
 * @param group - The option that the object is itself, such as `consent`. Default: none.
 * @param otherwise - What may be given in the place of that object, in words that follow "an object". Default: nothing.
 * @throws {ConfigurationError} when an option is unknown or of another kind. The message names the option, and the one
 * that was meant where that can be told.
 */
export function requireOptions<Options extends object>(
  owner: string,
  given: unknown,
  kinds: OptionKinds<Options>,
  group?: string,
  otherwise = "",
): void {
  if (given === undefined) return;
  const isObject = typeof given === "object" && given !== null && !isContainer(given);
  const rule = group === undefined ? `${owner} takes an object of options` : `${group} must be an object${otherwise}`;
  requireThat(isObject, `${rule}${switchOf(group, given, kinds)}${remedyFor(given)}.`);
  const path = group === undefined ? "" : `${group}.`;
  const known = new Map<string, OptionKind>(Object.entries(kinds));
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const kind = known.get(name);
    if (kind === undefined) throw new ConfigurationError(unknownOption(owner, path, name, [...known.keys()]));
    // What has a default would take it in the place of null, and whoever gave null has meant something.
    requireThat(value !== null || kind !== "any", `${path}${name} is null: give it a value, or leave it out.`);
    requireKind(`${path}${name}`, value, kind);
  }
}

/** What was meant by `false` in the place of options which have such a switch, in the words that follow the rule. */
function switchOf(group: string | undefined, given: unknown, kinds: object): string {
  if (group === undefined || !["false", "true"].includes(String(given))) return "";
  const name = ["enabled", "recorded"].find((each) => each in kinds);
  return name === undefined ? "" : `: give ${group}: { ${name}: ${given} }`;
}

/** @throws {ConfigurationError} when what is given is something else. A list is no object. */
export function requireKind(name: string, value: unknown, kind: OptionKind): void {
  if (value === undefined || kind === "any") return;
  if (kind === "text") requireText(name, value);
  else requireType(name, value, kind);
}

function requireType(name: string, value: unknown, kind: "boolean" | "function" | "object"): void {
  if (typeof value === kind && value !== null && !isContainer(value)) return;
  const article = kind === "object" ? "an object" : `a ${kind}`;
  const remedy =
    kind === "boolean" && typeof value === "string"
      ? ', which a string is not: compare it, as in value === "true"'
      : remedyFor(value);
  throw new ConfigurationError(`${name} must be ${article}${remedy}.`);
}

/**
 * Checks an object whose members say which things are meant. A member that is not read means more things, so nothing but an
 * object as `{ … }` makes one is taken.
 *
 * @throws {ConfigurationError} when the value is a list, a promise, a Map or an object of any other class.
 */
export function requirePlainObject(name: string, value: unknown): asserts value is Readonly<Record<string, unknown>> {
  requireThat(isPlainObject(value), `${name} must be an object, as { … } makes one${remedyFor(value)}.`);
}

function isPlainObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Another realm has another Object.prototype.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What has things in it that are no members of it, and would not be read. */
function isContainer(value: unknown): boolean {
  const classes = [Map, Set, Date, URLSearchParams, FormData, Headers];
  return Array.isArray(value) || isPromise(value) || classes.some((each) => value instanceof each);
}

function isPromise(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** What to do with something that is given in the place of an object, in the words that follow the rule. */
function remedyFor(value: unknown): string {
  if (isPromise(value)) return ", which a promise is not: await it";
  if (value instanceof Map) return ", which a Map is not: take Object.fromEntries(map)";
  const isForm = value instanceof URLSearchParams || value instanceof FormData;
  return isForm ? ", which a form is not: take Object.fromEntries(form)" : "";
}

/**
 * Checks that a value has methods, its own or of its class.
 *
 * @param name - What the value is for, for the message.
 * @param remedy - What to give in its place, for the message.
 * @throws {ConfigurationError} when a method is missing; the message names all that are.
 */
export function requireMethods(name: string, value: unknown, methods: readonly string[], remedy: string): void {
  const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
  requireThat(isObject, `${name} is missing: ${remedy}.`);
  const lacks = methods.filter((method) => typeof Reflect.get(value, method) !== "function");
  requireThat(lacks.length === 0, `${name} lacks ${lacks.join(", ")}: ${remedy}.`);
}

function unknownOption(owner: string, path: string, name: string, known: readonly string[]): string {
  const meant = namesLike(name, known).map((near) => `${path}${near}`);
  const remedy =
    meant.length > 0
      ? `Did you mean ${meant.join(" or ")}?`
      : `There ${known.length === 1 ? "is" : "are"} ${inOrder(known).join(", ")}.`;
  return `${path}${name} is no option of ${owner}. ${remedy}`;
}

/** Names as somebody looks for one among many. */
function inOrder(names: readonly string[]): readonly string[] {
  return [...names].sort((one, other) => one.localeCompare(other, "en"));
}

/** The most names that a message proposes. */
const maxProposals = 3;

/**
 * The known names that somebody may have meant who wrote another one: a letter or two apart, in another spelling such as
 * `mcp_base_url`, or with a word more or less. The nearest ones come first.
 */
export function namesLike(name: string, known: readonly string[]): readonly string[] {
  const written = lettersOf(name);
  const apart = known.map((candidate) => ({ candidate, edits: editsBetween(written, lettersOf(candidate)) }));
  const fewest = Math.min(...apart.map(({ edits }) => edits));
  if (fewest > Math.max(1, Math.floor(written.length / 3))) return [];
  const nearest = apart.filter(({ edits }) => edits === fewest);
  return nearest.map(({ candidate }) => candidate).slice(0, maxProposals);
}

function lettersOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

/**
 * How many letters have to be put in, taken out or replaced to make one text of the other (Levenshtein's distance). Letters
 * that change places count as one edit, and so does a word that is left out or put in.
 */
function editsBetween(one: string, other: string): number {
  if (one === other) return 0;
  const [shorter, longer] = one.length < other.length ? [one, other] : [other, one];
  if (shorter.length > 2 && longer.includes(shorter)) return 1;
  if ([...one].sort().join("") === [...other].sort().join("")) return 1;
  let above = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [row, letter] of [...one].entries()) {
    const edits = [row + 1];
    for (let at = 0; at < other.length; at += 1) {
      const replaced = (above[at] ?? 0) + (letter === other[at] ? 0 : 1);
      edits.push(Math.min(replaced, (above[at + 1] ?? 0) + 1, (edits[at] ?? 0) + 1));
    }
    above = edits;
  }
  return above[other.length] ?? 0;
}

/** @throws `ConfigurationError` for anything but an object that is no list, and for a promise of one. */
export function requireObject(name: string, value: unknown): void {
  const isObject = typeof value === "object" && value !== null && !isContainer(value);
  requireThat(isObject, `${name} must be an object${remedyFor(value)}.`);
}

/** True for the host names on which plain `http` is safe, because nothing leaves the machine. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
