import {
  StorageClosedError,
  type StorageError,
  StorageRejectedError,
  StorageTimeoutError,
  StorageUnauthorizedError,
  StorageUnavailableError,
  type WriteEffect,
} from "../../errors.ts";
import { tlsFaultOf } from "../tls-failure.ts";

/** Whether a statement only reads. A read has no effect, however it ends. */
export type PostgresIntent = "read" | "write";

type FailureClass = new (message: string, options: { effect: WriteEffect; cause: unknown }) => StorageError;

interface Meaning {
  readonly Failure: FailureClass;
  readonly message: string;
  /** Whether the statement may have been carried out. Default: no, since Postgres refused or undid it. */
  readonly mayBeDone?: boolean;
  /** Whether the same statement may pass when it is sent again at once. */
  readonly passesAgain?: boolean;
}

const unavailable = (message: string, rest: Partial<Meaning> = {}): Meaning => {
  return { Failure: StorageUnavailableError, message, ...rest };
};
const unauthorized = (message: string): Meaning => ({ Failure: StorageUnauthorizedError, message });
const rejected = (message: string): Meaning => ({ Failure: StorageRejectedError, message });

const shutDown = "Postgres shut down during the statement. Try again when it is back.";
const crowded = "Postgres takes no more connections: raise max_connections, or lower the pool's max.";
const interfered = "Postgres undid the statement since another one interfered. Try again.";
const refusedByPooler =
  "The pooler in front of Postgres refuses a setting of the connection: give postgresOptions({ viaPooler: true }).";
const endedFirst =
  "The pool of Postgres connections was ended before this call: close the repositories first, then end it.";
const diskFull = "Postgres has no room on its disk and takes no writes: give it some.";

/** Errors by SQLSTATE. See {@link https://www.postgresql.org/docs/current/errcodes-appendix.html the list of them}. */
const stateMeanings: ReadonlyMap<string, Meaning> = new Map([
  ["25006", unavailable("This Postgres is read-only, such as a standby is; connect to the primary.")],
  ["28000", unauthorized("Postgres refused the user: check the user name, the database and pg_hba.conf.")],
  ["28P01", unauthorized("Postgres refused the password: check the connection's settings.")],
  ["3D000", rejected("The database does not exist: check the connection's settings, or create it.")],
  ["40001", unavailable(interfered, { passesAgain: true })],
  [
    "40003",
    unavailable("Postgres does not know whether the statement was carried out. Look, or try again.", {
      mayBeDone: true,
    }),
  ],
  ["40P01", unavailable(interfered, { passesAgain: true })],
  ["42501", unauthorized("This Postgres user may not use the table: grant it SELECT, INSERT, UPDATE and DELETE.")],
  [
    "42P01",
    rejected("The table does not exist: call createPostgresTables(), or run postgresMigration() as a migration."),
  ],
  ["42703", rejected("The table lacks a column: it is of another version, or another program's. Name another table.")],
  ["53100", unavailable(diskFull)],
  ["53200", unavailable("Postgres is out of memory. Try again later.")],
  ["53300", unavailable(crowded)],
  ["55P03", unavailable("Another statement holds the record for longer than lock_timeout. Try again.")],
  ["57014", { Failure: StorageTimeoutError, message: "Postgres cancelled the statement at its statement_timeout." }],
  ["57P01", unavailable(shutDown, { mayBeDone: true })],
  ["57P02", unavailable(shutDown, { mayBeDone: true })],
  ["57P03", unavailable("Postgres is starting up or shutting down. Try again when it is ready.")],
  ["57P05", unavailable("Postgres closed the idle connection. Try again.", { mayBeDone: true })],
]);

/** Every SQLSTATE has a digit, and no error code of the operating system has. */
const sqlStateForm = /^(?=.*\d)[0-9A-Z]{5}$/;

/** What the operating system says when it finds no way to Postgres. */
const neverConnected = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ENOENT"]);

/** The calls of the operating system that come before there is a connection to send anything on. */
const beforeConnection = new Set(["connect", "getaddrinfo"]);

/** What the clients say when they got no connection. */
const noConnection =
  /timeout exceeded when trying to connect|timeout expired|terminated due to connection timeout|cannot use a pool after calling end/i;

/** What a pool says that was ended before the repositories on it. */
const endedPool = /cannot use a pool after calling end/i;

const tlsFailed =
  "The TLS of the connection to Postgres failed: check the client's ssl, the server's certificate, and that the server has TLS on.";
/** What the clients say before they have sent a statement. */
const refusedBefore: readonly (readonly [words: RegExp, Meaning])[] = [
  [
    /client password must be|Password must be a string/i,
    unauthorized("Postgres asks for a password; give the client one."),
  ],
  [/does not support SSL connections/i, unavailable(tlsFailed)],
  [/unsupported startup parameter/, rejected(refusedByPooler)],
  [
    /password authentication failed|no such user/i,
    unauthorized("The pooler in front of Postgres refused the user or the password."),
  ],
];

const timedOut: Meaning = {
  Failure: StorageTimeoutError,
  message: "Postgres did not answer before the client's query_timeout.",
  mayBeDone: true,
};

/** Says what a client's error means. The statement's values, which hold the record, are in no message. */
export function postgresFailure(error: unknown, intent: PostgresIntent): StorageError {
  const cause = scrubbed(error);
  const meaning = meaningOf(error);
  const mayBeDone = meaning.mayBeDone === true && intent === "write";
  const outcome = mayBeDone ? " The change may have been made." : "";
  return new meaning.Failure(meaning.message + outcome, { effect: mayBeDone ? "unknown" : "none", cause });
}

/** True where Postgres undid a statement that may pass when it is sent again. */
export function passesAgain(error: unknown): boolean {
  return meaningOf(error).passesAgain === true;
}

/** True where the connection was lost: a read may be sent again on another one. */
export function isConnectionLoss(error: unknown): boolean {
  const state = codeOf(error);
  if (state === undefined || !sqlStateForm.test(state)) return !noConnection.test(messageOf(error));
  return state.startsWith("57P") || state.startsWith("08");
}

/** The error of a call that had no answer by its deadline. */
export function postgresTimeout(intent: PostgresIntent): StorageTimeoutError {
  const message = "Postgres did not answer before the timeout";
  return intent === "read"
    ? new StorageTimeoutError(`${message}. Try again.`, { effect: "none" })
    : new StorageTimeoutError(`${message}; the change may have been made or may yet be made.`);
}

function meaningOf(error: unknown): Meaning {
  const code = codeOf(error) ?? "";
  const known = stateMeanings.get(code);
  if (known !== undefined) return known;
  if (neverConnected.has(code) && beforeConnection.has(callOf(error)))
    return unavailable("Postgres cannot be reached: check the address, and that it runs.");
  if (messageOf(error) === "Query read timeout") return timedOut;
  if (endedPool.test(messageOf(error))) return { Failure: StorageClosedError, message: endedFirst };
  if (noConnection.test(messageOf(error))) return unavailable("No connection to Postgres was free in time. Try again.");
  const refused = refusedBefore.find(([words]) => words.test(messageOf(error)))?.[1];
  if (refused !== undefined) return refused;
  // A connection that is encrypted can fail later, too.
  const fault = tlsFaultOf(error);
  if (fault !== undefined)
    return unavailable(`${tlsFailed} ${fault.advice}`, { mayBeDone: code.startsWith("ERR_SSL_") });
  // The classes 08 and 57 are about the connection, XX about Postgres itself: nobody knows how far the statement came.
  if (/^(08|57|58|XX)/.test(code)) return unavailable("Postgres failed during the statement.", { mayBeDone: true });
  if (code === "ERR_INVALID_URL") return rejected("The connection string of Postgres is not a URL.");
  if (sqlStateForm.test(code)) return rejected(`Postgres refused the statement with SQLSTATE ${code}.`);
  return unavailable("The connection to Postgres was lost during the statement.", { mayBeDone: true });
}

function codeOf(error: unknown): string | undefined {
  return memberOf(error, "code");
}

/** The call of the operating system that failed. What a client does not say counts as sent. */
function callOf(error: unknown): string {
  return memberOf(error, "syscall") ?? "";
}

function memberOf(error: unknown, name: "code" | "syscall"): string | undefined {
  // Several addresses were tried, as with localhost.
  if (error instanceof AggregateError && error.errors.length > 0) return memberOf(error.errors[0], name);
  if (typeof error !== "object" || error === null) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === "string" ? value : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}

/** A stand-in for the client's error. Postgres quotes values in `detail` and in some messages, so neither is kept. */
function scrubbed(error: unknown): Error {
  const code = codeOf(error);
  if (!(error instanceof Error)) return new Error("The Postgres client threw something that is not an error.");
  const isReply = code !== undefined && sqlStateForm.test(code);
  const copy: Error & { code?: string } = new Error(isReply ? `SQLSTATE ${code}` : error.message);
  copy.name = error.name;
  if (code !== undefined) copy.code = code;
  return copy;
}
