import assert from "node:assert/strict";
import { assertSame, expiring, rule, sample } from "./rule.ts";
import type { RepositoryCase, SampleRecord } from "./subject.ts";
import { isUnreadable } from "./unreadable.ts";

/** A record's own absolute expiry. */
export const expiryCases: readonly RepositoryCase[] = [
  rule("a record is there until it expires and absent from then on", ["advanceSeconds"], async (subject) => {
    const { repository } = subject;
    await repository.set("key", expiring(subject, 60));
    subject.advanceSeconds(59);
    assert.ok((await repository.get("key")) !== undefined, "a second before it expires");
    subject.advanceSeconds(1);
    assert.equal(await repository.get("key"), undefined, "at the very moment");
  }),
  rule("an expired record cannot be taken or deleted", ["advanceSeconds"], async (subject) => {
    const { repository } = subject;
    await repository.set("taken", expiring(subject, 60));
    await repository.set("deleted", expiring(subject, 60));
    subject.advanceSeconds(61);
    assert.equal(await repository.take("taken"), undefined);
    assert.equal(await repository.delete("deleted"), false);
  }),
  rule("reading does not prolong a record", ["advanceSeconds"], async (subject) => {
    const { repository } = subject;
    await repository.set("key", expiring(subject, 60));
    for (let second = 0; second < 59; second += 10) {
      subject.advanceSeconds(10);
      await repository.get("key");
    }
    assert.equal(await repository.get("key"), undefined);
  }),
  rule("fractions of a second count", ["advanceSeconds"], async (subject) => {
    const { repository } = subject;
    const fractions = [0.25, 0.5, 0.75];
    for (const fraction of fractions) await repository.set(`${fraction}`, expiring(subject, 1 + fraction));
    subject.advanceSeconds(1);
    for (const fraction of fractions) {
      // Wherever the clock began, rounding would be seen at two of the three.
      subject.advanceSeconds(0.25 - 1 / 32);
      assert.ok((await repository.get(`${fraction}`)) !== undefined, "a moment before it expires");
      subject.advanceSeconds(1 / 32);
      assert.equal(await repository.get(`${fraction}`), undefined, "at the very moment");
    }
  }),
  rule("a record that has expired when it is set is absent, and so is the one it replaced", [], async (subject) => {
    const { repository } = subject;
    await repository.set("key", expiring(subject, 60));
    await repository.set("key", expiring(subject, -1));
    assert.equal(await repository.get("key"), undefined);
    assert.equal(await repository.take("key"), undefined);
  }),
  rule("a record without an expiry stays", ["advanceSeconds"], async (subject) => {
    const { repository } = subject;
    await repository.set("key", sample("lasting"));
    subject.advanceSeconds(10 * 365 * 86_400);
    assert.equal((await repository.get("key"))?.name, "lasting");
  }),
  rule("a later set gives the record its new expiry", ["advanceSeconds"], async (subject) => {
    const { repository } = subject;
    await repository.set("key", expiring(subject, 10));
    await repository.set("key", expiring(subject, 100));
    subject.advanceSeconds(50);
    assert.ok((await repository.get("key")) !== undefined, "after the first expiry");
    await repository.set("key", expiring(subject, 10));
    subject.advanceSeconds(11);
    assert.equal(await repository.get("key"), undefined, "after the shortened one");
  }),
  rule("a record that expires at the end of the year 2200 is kept", [], async ({ repository }) => {
    const record = { ...sample("lasting"), expiresAt: Date.UTC(2201, 0, 1) / 1000 - 1 };
    await repository.set("set", record);
    assert.ok(await repository.add("added", record), "add answers that it was written");
    for (const key of ["set", "added"]) assertSame(await repository.get(key), record);
  }),
  rule("an expiry that is no time is refused before anything is written", [], async ({ repository }) => {
    for (const [kind, expiresAt] of impossibleExpiries) {
      const wrong: SampleRecord = withExpiry(expiresAt);
      for (const write of ["set", "add"] as const) {
        await assert.rejects(
          () => repository[write]("key", wrong),
          (error) => error instanceof Error && "code" in error && error.code === "ERR_INVALID_RECORD",
          `${write} refuses ${kind} with an InvalidRecordError`,
        );
        assert.equal(await repository.get("key"), undefined, `nothing was written of ${kind}`);
        await repository.set("key", sample("before"));
        await assert.rejects(() => repository.set("key", wrong), `set refuses ${kind} in place of a record`);
        assertSame(await repository.take("key"), sample("before"), "the record that was there");
      }
    }
  }),
  rule(
    "a stored expiry that is no time makes the record corrupt, never absent or everlasting",
    ["plant"],
    async (subject) => {
      for (const expiresAt of ['"1800000000"', "null", "1e400", "1800000000000", "true"]) {
        await subject.plant("key", `{"name":"planted","list":[],"expiresAt":${expiresAt}}`);
        await assert.rejects(() => subject.repository.get("key"), isUnreadable, `get of a record with ${expiresAt}`);
        assert.equal(await subject.repository.delete("key"), true);
      }
    },
  ),
  rule(
    "a record that expired before it was written is absent, at 0 and before the epoch",
    [],
    async ({ repository }) => {
      for (const expiresAt of [0, -0, -1, -1_800_000_000]) {
        await repository.set("key", sample("before"));
        await repository.set("key", { ...sample("past"), expiresAt });
        assert.equal(await repository.get("key"), undefined, `with the expiry ${expiresAt}`);
        assert.equal(await repository.take("key"), undefined);
      }
    },
  ),
];

/** As a caller gives it whom no compiler checks. */
function withExpiry(expiresAt: unknown): SampleRecord {
  const record = sample("wrong");
  Reflect.set(record, "expiresAt", expiresAt);
  return record;
}

/** The mistakes that are made: another type, and another unit. */
const impossibleExpiries: readonly (readonly [kind: string, expiresAt: unknown])[] = [
  ["a Date", new Date(1_800_000_000_000)],
  ["a text", "1800000000"],
  ["NaN", Number.NaN],
  ["null", null],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["a bigint", 1_800_000_000n],
  ["milliseconds", 1_800_000_000_000],
  ["the first second of 2201", Date.UTC(2201, 0, 1) / 1000],
];
