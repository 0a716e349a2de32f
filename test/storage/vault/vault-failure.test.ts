import { describe, expect, test } from "vitest";
import { StorageRejectedError, StorageTimeoutError, StorageUnavailableError } from "../../../src/errors.ts";
import { afterWrite, nameIsTaken, outcomeLost, toStorageFailure } from "../../../src/storage/vault/vault-failure.ts";

const refusal = (status: unknown, headers?: unknown): Error =>
  Object.assign(new Error("refused"), { response: { status, gotResponse: { headers } } });
const cutOff = (code: unknown): Error => new TypeError("fetch failed", { cause: { code } });

describe("what the SDK throws", () => {
  test.each([
    ["VaultItemNotFound", "ERR_STORAGE_REJECTED", "none"],
    ["ValidationError", "ERR_STORAGE_REJECTED", "none"],
    ["Unauthorized", "ERR_STORAGE_UNAUTHORIZED", "none"],
    ["NoCredit", "ERR_STORAGE_UNAUTHORIZED", "none"],
    ["TooManyRequests", "ERR_STORAGE_RATE_LIMITED", "none"],
    ["InternalError", "ERR_STORAGE_UNAVAILABLE", "unknown"],
    ["ServiceTemporarilyUnavailable", "ERR_STORAGE_UNAVAILABLE", "unknown"],
    ["Accepted", "ERR_STORAGE_UNAVAILABLE", "unknown"],
    ["MaintenanceModeEnabled", "ERR_STORAGE_UNAVAILABLE", "unknown"],
    ["ServiceNotAvailable", "ERR_STORAGE_UNAVAILABLE", "unknown"],
    ["NoStatus", "ERR_STORAGE_UNAVAILABLE", "unknown"],
  ])("with the status %s is %s with the effect %s", (status, code, effect) => {
    expect(toStorageFailure(refusal(status))).toMatchObject({ code, effect, cause: expect.any(Error) });
  });

  test.each(["", "Unauthorized.", " Unauthorized", "x".repeat(65), 401, undefined, null])(
    "with %j for a status is no answer of Vault",
    (status) => {
      expect(toStorageFailure(refusal(status))).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });
    },
  );

  test.each([
    ["ECONNREFUSED", "none"],
    ["ENOTFOUND", "none"],
    ["EAI_AGAIN", "none"],
    ["UND_ERR_CONNECT_TIMEOUT", "none"],
    ["CERT_HAS_EXPIRED", "none"],
    ["ECONNRESET", "unknown"],
    [undefined, "unknown"],
  ])("for a connection that ended with %s says that the effect is %s", (code, effect) => {
    expect(toStorageFailure(cutOff(code))).toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
      effect,
      cause: expect.any(Error),
    });
  });

  test.each([undefined, null, "text", { response: null }, { response: "text" }, new SyntaxError("no JSON")])(
    "may be anything, such as %j",
    (thrown) => {
      expect(toStorageFailure(thrown)).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });
    },
  );

  test("has a cause that says how the connection ended, where that has a code", () => {
    expect(toStorageFailure(cutOff("ECONNRESET")).cause).toHaveProperty("code", "ECONNRESET");
    for (const code of [undefined, 1]) expect(toStorageFailure(cutOff(code)).cause).not.toHaveProperty("code");
  });

  test("is not kept, with the request in it", () => {
    const failure = refusal("Unauthorized");
    expect(toStorageFailure(failure).cause).not.toBe(failure);
  });
});

describe("the time that Vault asks for", () => {
  const secondsFor = (headers: unknown) => {
    const failure = toStorageFailure(refusal("TooManyRequests", headers));
    expect(failure.code).toBe("ERR_STORAGE_RATE_LIMITED");
    return failure.retryAfterSeconds;
  };
  const forHeader = (text: string) => secondsFor(new Headers({ "retry-after": text }));

  test.each([
    ["0", 0],
    ["12", 12],
    ["-1", undefined],
    ["soon", undefined],
    ["9".repeat(400), undefined],
    ["1 Jan 2001", undefined],
  ])("in the header %j is %s", (text, seconds) => {
    expect(forHeader(text)).toBe(seconds);
  });

  test("may be a date", () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    expect(forHeader(date)).toBeGreaterThan(3_500);
    expect(forHeader(date)).toBeLessThanOrEqual(3_600);
    // A date that begins and ends with digits is no number of seconds.
    expect(forHeader("1 Jan 2100")).toBeGreaterThan(3_600);
  });

  test.each([[new Headers()], [undefined], [{ "retry-after": "1" }]])(
    "is unknown where there is none: %j",
    (headers) => {
      expect(secondsFor(headers)).toBeUndefined();
    },
  );
});

test("the refusal of a name that another kind has is Vault's, with nothing written", () => {
  const cause = new StorageRejectedError("refused");
  expect(nameIsTaken(cause)).toMatchObject({ code: "ERR_STORAGE_REJECTED", effect: "none", cause });
});

test("an answer that was lost while a record was being removed leaves open what became of it", () => {
  expect(outcomeLost()).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });
});

describe("a failure of a look that follows a write", () => {
  const outcomeOf = (failure: unknown) => afterWrite(Promise.reject(failure)).catch((thrown: unknown) => thrown);

  test("leaves open whether the write counts", async () => {
    const cause = new StorageRejectedError("refused", { effect: "none" });
    const outcome = await outcomeOf(cause);
    expect(outcome).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown", cause });
    expect(outcome).not.toHaveProperty("retryAfterSeconds", expect.anything());
  });

  test("keeps the time that the store asks for", async () => {
    const cause = new StorageUnavailableError("busy", { effect: "none", retryAfterSeconds: 3 });
    expect(await outcomeOf(cause)).toMatchObject({ effect: "unknown", retryAfterSeconds: 3 });
  });

  test.each([
    ["has an unknown effect already", new StorageTimeoutError("late")],
    ["is no failure of the store", new RangeError("a mistake")],
  ])("stays what it is where it %s", async (_, failure) => {
    expect(await outcomeOf(failure)).toBe(failure);
  });

  test("is none where the look succeeds", async () => {
    expect(await afterWrite(Promise.resolve(1))).toBe(1);
  });
});
