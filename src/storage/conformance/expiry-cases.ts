import assert from "node:assert/strict";
import type { RepositoryCase, RepositoryUnderTest, SampleRecord } from "./subject.ts";

function expiring(subject: RepositoryUnderTest, seconds: number): SampleRecord {
  const now = (subject.now ?? Date.now)() / 1000;
  return { name: "expiring", list: [], expiresAt: now + seconds };
}

function advance(subject: RepositoryUnderTest, seconds: number): void {
  assert.ok(subject.advanceSeconds !== undefined, "the case was run without the part that it needs");
  subject.advanceSeconds(seconds);
}

/** A record's own absolute expiry. */
export const expiryCases: readonly RepositoryCase[] = [
  {
    name: "a record is there until it expires and absent from then on",
    needs: ["advanceSeconds"],
    run: async (subject) => {
      const { repository } = subject;
      await repository.set("key", expiring(subject, 60));
      advance(subject, 59);
      assert.ok((await repository.get("key")) !== undefined, "a second before it expires");
      advance(subject, 1);
      assert.equal(await repository.get("key"), undefined, "at the very moment");
    },
  },
  {
    name: "an expired record cannot be taken or deleted",
    needs: ["advanceSeconds"],
    run: async (subject) => {
      const { repository } = subject;
      await repository.set("taken", expiring(subject, 60));
      await repository.set("deleted", expiring(subject, 60));
      advance(subject, 61);
      assert.equal(await repository.take("taken"), undefined);
      assert.equal(await repository.delete("deleted"), false);
    },
  },
  {
    name: "reading does not prolong a record",
    needs: ["advanceSeconds"],
    run: async (subject) => {
      const { repository } = subject;
      await repository.set("key", expiring(subject, 60));
      for (let second = 0; second < 59; second += 10) {
        advance(subject, 10);
        await repository.get("key");
      }
      assert.equal(await repository.get("key"), undefined);
    },
  },
  {
    name: "fractions of a second count",
    needs: ["advanceSeconds"],
    run: async (subject) => {
      const { repository } = subject;
      const fractions = [0.25, 0.5, 0.75];
      for (const fraction of fractions) await repository.set(`${fraction}`, expiring(subject, 1 + fraction));
      advance(subject, 1);
      for (const fraction of fractions) {
        // Wherever the clock began, rounding would be seen at two of the three.
        advance(subject, 0.25 - 1 / 32);
        assert.ok((await repository.get(`${fraction}`)) !== undefined, "a moment before it expires");
        advance(subject, 1 / 32);
        assert.equal(await repository.get(`${fraction}`), undefined, "at the very moment");
      }
    },
  },
  {
    name: "a record that has expired when it is set is absent, and so is the one it replaced",
    needs: [],
    run: async (subject) => {
      const { repository } = subject;
      await repository.set("key", expiring(subject, 60));
      await repository.set("key", expiring(subject, -1));
      assert.equal(await repository.get("key"), undefined);
      assert.equal(await repository.take("key"), undefined);
    },
  },
  {
    name: "a record without an expiry stays",
    needs: ["advanceSeconds"],
    run: async (subject) => {
      const { repository } = subject;
      await repository.set("key", { name: "lasting", list: [] });
      advance(subject, 10 * 365 * 86_400);
      assert.equal((await repository.get("key"))?.name, "lasting");
    },
  },
  {
    name: "a later set gives the record its new expiry",
    needs: ["advanceSeconds"],
    run: async (subject) => {
      const { repository } = subject;
      await repository.set("key", expiring(subject, 10));
      await repository.set("key", expiring(subject, 100));
      advance(subject, 50);
      assert.ok((await repository.get("key")) !== undefined, "after the first expiry");
      await repository.set("key", expiring(subject, 10));
      advance(subject, 11);
      assert.equal(await repository.get("key"), undefined, "after the shortened one");
    },
  },
];
