import { describe, expect, it } from "vitest";
import { isConnectionLoss, passesAgain, postgresFailure } from "../../../src/storage/postgres/postgres-failure.ts";
import { createPostgresTables } from "../../../src/storage/postgres/table.ts";

/** An error as `pg` throws it: with the SQLSTATE as its code, and the values of the statement in its detail. */
function reply(code: string): Error {
  return Object.assign(new Error('invalid input "a secret record"'), { code, detail: "Key (key)=(a secret) exists." });
}
const system = (code: string, syscall = "connect"): Error =>
  Object.assign(new Error(`${syscall} ${code} 127.0.0.1:5432`), { code, syscall });
/** Node.js gives the code of the first address to the whole, and the system call to the parts only. */
const everyAddress = (code: string): Error => Object.assign(new AggregateError([system(code), system(code)]), { code });

const failures = [
  [reply("25006"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [reply("28000"), "ERR_STORAGE_UNAUTHORIZED", "none"],
  [reply("28P01"), "ERR_STORAGE_UNAUTHORIZED", "none"],
  [reply("3D000"), "ERR_STORAGE_REJECTED", "none"],
  [reply("40001"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [reply("40003"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [reply("40P01"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [reply("42501"), "ERR_STORAGE_UNAUTHORIZED", "none"],
  [reply("42P01"), "ERR_STORAGE_REJECTED", "none"],
  [reply("42703"), "ERR_STORAGE_REJECTED", "none"],
  [reply("53100"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [reply("53200"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [reply("53300"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [reply("55P03"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [reply("57014"), "ERR_STORAGE_TIMEOUT", "none"],
  [reply("57P01"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [reply("57P02"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [reply("57P03"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [reply("08006"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [reply("XX000"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [reply("22P02"), "ERR_STORAGE_REJECTED", "none"],
  [system("ECONNREFUSED"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [system("ENOTFOUND", "getaddrinfo"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [system("EAI_AGAIN", "getaddrinfo"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [system("ENOENT"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [system("EHOSTUNREACH"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [system("ENETUNREACH"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [system("EHOSTUNREACH", "read"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [system("ENETUNREACH", "write"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [system("ECONNREFUSED", "read"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [everyAddress("ECONNREFUSED"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [new AggregateError([system("ECONNREFUSED"), system("ECONNREFUSED")]), "ERR_STORAGE_UNAVAILABLE", "none"],
  [system("ECONNRESET", "read"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [system("EPIPE", "write"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [new Error("Connection terminated due to connection timeout"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [new Error("The server does not support SSL connections"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [system("DEPTH_ZERO_SELF_SIGNED_CERT"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [system("ERR_TLS_CERT_ALTNAME_INVALID"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [system("ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "read"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [new Error("SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string"), "ERR_STORAGE_UNAUTHORIZED", "none"],
  [
    new Error("SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string"),
    "ERR_STORAGE_UNAUTHORIZED",
    "none",
  ],
  [Object.assign(new Error("password authentication failed"), { code: "08P01" }), "ERR_STORAGE_UNAUTHORIZED", "none"],
  [Object.assign(new Error("no such user: ada"), { code: "08P01" }), "ERR_STORAGE_UNAUTHORIZED", "none"],
  [new Error("timeout exceeded when trying to connect"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [new Error("Cannot use a pool after calling end on the pool"), "ERR_STORAGE_CLOSED", "none"],
  [new Error("Connection terminated unexpectedly"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [new Error("Query read timeout"), "ERR_STORAGE_TIMEOUT", "unknown"],
  ["a string", "ERR_STORAGE_UNAVAILABLE", "unknown"],
] as const;

describe("what a client's error means", () => {
  it.each(failures)("%o: %s, for a write with the effect %s", (error, code, effect) => {
    expect(postgresFailure(error, "write")).toMatchObject({ code, effect });
    expect(postgresFailure(error, "read")).toMatchObject({ code, effect: "none" });
  });

  it.each(failures)("%o: without the values of the statement", (error) => {
    const failure = postgresFailure(error, "write");
    expect(`${failure.message} ${String(failure.cause)} ${JSON.stringify(failure.cause)}`).not.toContain("secret");
  });
});

it.each(failures.filter(([error]) => error instanceof Error))(
  "tables that cannot be created fail as records do: %o: %s",
  async (error, code) => {
    const refusing = { query: () => Promise.reject(error) };
    await expect(createPostgresTables(refusing)).rejects.toMatchObject({ code });
  },
);

it("sends again what Postgres undid since another statement interfered, and nothing else", () => {
  const again = failures.map(([error]) => error).filter(passesAgain);
  expect(again).toEqual([reply("40001"), reply("40P01")]);
});

it("counts as a lost connection what says nothing of the statement", () => {
  expect(isConnectionLoss(new Error("Connection terminated unexpectedly"))).toBe(true);
  expect(isConnectionLoss(system("ECONNRESET"))).toBe(true);
  expect(isConnectionLoss(reply("57P01"))).toBe(true);
  expect(isConnectionLoss(reply("42P01"))).toBe(false);
  expect(isConnectionLoss(new Error("timeout exceeded when trying to connect"))).toBe(false);
});
