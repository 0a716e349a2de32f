import { isIP } from "node:net";
import { PangeaAuthnError } from "../../errors.ts";
import type { FailureCause, FailureDescription } from "../events.ts";
import { isInstance } from "../oauth-failure.ts";

/** How long a chain of causes is told. One may lead back to itself. */
const maxCauses = 8;
/** How much of a message is told, in characters. */
const maxMessage = 500;
/**
 * What a code of another library looks like: `ECONNREFUSED`, `ERR_SSL_WRONG_VERSION_NUMBER`, `CERT_HAS_EXPIRED`, and the five
 * characters of an SQLSTATE, of which one is a digit: `28P01`, `42501`.
 */
const codeForm = /^(?:[A-Z][A-Z0-9_]{1,60}|(?=.*\d)[0-9A-Z]{5})$/;

/**
 * Says what has failed, for an event: with the message and the code of this package's errors, and with what is safe of
 * others. The message of a foreign error may quote whatever it was given, so it is left out; its name, its code and, of a
 * failed connection, where that led are told.
 */
export function describeFailure(failure: unknown): FailureDescription {
  return { ...describe(failure), causes: causesOf(failure) };
}

/**
 * The codes of what has failed and of what led to it, each once, without what has none of its own.
 *
 * @example
 * ```ts
 * codesOf(failure); // ["ERR_STORAGE_UNAVAILABLE", "ECONNREFUSED"]
 * ```
 */
export function codesOf({ code, causes }: FailureDescription): string[] {
  const all = [code, ...causes.map((cause) => cause.code)];
  return [...new Set(all)].filter((one) => one !== unexpected && codeForm.test(one));
}

const unexpected = "ERR_UNEXPECTED";

/** An error that has no code is a defect where nobody knows what it means; behind an error of this package it is not. */
function ordinary(cause: unknown, described: FailureCause): FailureCause {
  if (described.code !== unexpected || !isInstance(cause, Error)) return described;
  return { ...described, code: nameOf(cause) };
}

function causesOf(failure: unknown): FailureCause[] {
  const isKnown = isInstance(failure, PangeaAuthnError);
  const causes: FailureCause[] = [];
  const seen = new Set<unknown>([failure]);
  const waiting = nextOf(failure);
  while (waiting.length > 0 && causes.length < maxCauses && seen.size <= 2 * maxCauses) {
    const cause = waiting.shift();
    if (seen.has(cause)) continue;
    seen.add(cause);
    const next = nextOf(cause);
    const described = describe(cause);
    // What has no code and was made of something else, as the "fetch failed" of Node.js, says nothing.
    const isWrapper = isKnown && described.code === unexpected && next.some((one) => !seen.has(one));
    if (!isWrapper) causes.push(isKnown ? ordinary(cause, described) : described);
    waiting.push(...next);
  }
  return causes;
}

/** What led to a failure: its cause, and each of several that happened at once. */
function nextOf(failure: unknown): unknown[] {
  const errors = isInstance(failure, AggregateError) ? memberOf(failure, "errors") : [];
  const cause = memberOf(failure, "cause");
  return [...(cause === undefined ? [] : [cause]), ...(Array.isArray(errors) ? errors.slice(0, maxCauses) : [])];
}

function describe(failure: unknown): FailureCause {
  if (isInstance(failure, PangeaAuthnError)) {
    return { code: failure.code, message: withoutSecrets(textOf(failure, "message")) };
  }
  const [code, reply] = [memberOf(failure, "code"), replyCode(failure)];
  const named = typeof code === "string" && codeForm.test(code) ? code : reply;
  return { code: named ?? unexpected, message: foreignMessage(failure, named) };
}

function foreignMessage(failure: unknown, code: string | undefined): string {
  if (!isInstance(failure, Error)) return `Something was thrown that is no error: ${kindOf(failure)}.`;
  const known = nameOf(failure);
  const call = memberOf(failure, "syscall");
  const what = typeof call === "string" && /^[a-z]{2,20}$/.test(call) ? `${call} ` : "";
  const place = placeOf(failure);
  return `${known}${code === undefined ? "" : `: ${what}${code}`}${place === undefined ? "" : ` at ${place}`}.`;
}

/** The name of an error's class, where it looks like one. */
function nameOf(failure: Error): string {
  const name = textOf(failure, "name");
  return /^[A-Z][A-Za-z]{1,40}$/.test(name) ? name : "Error";
}

/** Where a connection was to lead, of an error of the system. */
function placeOf(failure: Error): string | undefined {
  const [address, host, port] = [
    memberOf(failure, "address"),
    memberOf(failure, "hostname"),
    memberOf(failure, "port"),
  ];
  const to = typeof address === "string" && isIP(address) > 0 ? address : isHost(host) ? host : undefined;
  if (to === undefined) return undefined;
  return typeof port === "number" ? `${to}:${port}` : to;
}

function isHost(value: unknown): value is string {
  return typeof value === "string" && value.length < 200 && /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i.test(value);
}

/** The word at the head of an error reply of Redis, which is a code: `WRONGPASS invalid username-password pair`. */
function replyCode(failure: unknown): string | undefined {
  if (!isInstance(failure, Error) || textOf(failure, "name") !== "ReplyError") return undefined;
  return /^[A-Z]{2,20}(?= |$)/.exec(textOf(failure, "message"))?.[0];
}

function kindOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}

/** The text of a member; the empty one where it has none. */
function textOf(value: unknown, name: string): string {
  const text = memberOf(value, name);
  return typeof text === "string" ? text : "";
}

/** Reading a member of what somebody has thrown may throw too. */
export function memberOf(value: unknown, name: string): unknown {
  try {
    return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A message without what looks like a credential. This package puts none into a message; a backend or an upstream that
 * somebody has written might.
 */
function withoutSecrets(message: string): string {
  return message
    .slice(0, maxMessage)
    .replaceAll(/\bp(?:mcp_[a-z]+|[a-z]{2})_[\w.-]{12,}/g, "[removed]")
    .replaceAll(/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, "$1 [removed]")
    .replaceAll(/(\/\/)[^/\s]*@/g, "$1[removed]@")
    .replaceAll(
      /\b((?:[a-z]+_)?(?:password|passwd|pwd|secret|token|assertion|verifier|api_?key)|code)=[^\s&;,"']+/gi,
      "$1=[removed]",
    );
}

/** Where an error comes from. Its message is left out, for that of a foreign library may hold anything. */
export function framesOf(failure: unknown): string | undefined {
  const stack = memberOf(failure, "stack");
  if (typeof stack !== "string") return undefined;
  return afterMessage(stack, memberOf(failure, "message"))
    .split("\n")
    .filter((line) => /^ {4}at .*(?::\d+:\d+|<anonymous>|native)\)?$/.test(line))
    .join("\n");
}

/**
 * What follows the message in a stack. A stack keeps the message that its error was made with. Where the error has another
 * one by now, nobody can say where the old one ends, and nothing is told.
 */
function afterMessage(stack: string, message: unknown): string {
  if (typeof message !== "string") return "";
  if (message === "") return /^[\w$. [\]]*(?:: ?)?(\n.*)?$/s.exec(stack)?.[1] ?? "";
  const begin = stack.indexOf(message);
  const rest = begin < 0 || stack.slice(0, begin).includes("\n") ? "" : stack.slice(begin + message.length);
  return rest.startsWith("\n") ? rest : "";
}
