import { copyFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { McpOAuthProvider } from "../../../src/index.ts";
import { createSqliteRepositories } from "../../../src/sqlite.ts";
import { DatabaseFile } from "../../../src/storage/sqlite/database-file.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { sqliteDirectory } from "../../support/sqlite-subject.ts";

/** What becomes of a file that is open. */
const faults: readonly (readonly [what: string, make: (file: string) => void])[] = [
  ["deleted", (file) => rmSync(file)],
  ["moved away", (file) => renameSync(file, `${file}.old`)],
  [
    "replaced by a copy of before",
    (file) => {
      copyFileSync(file, `${file}.copy`);
      renameSync(`${file}.copy`, file);
    },
  ],
  [
    "replaced by something else",
    (file) => {
      rmSync(file);
      writeFileSync(file, "a letter");
    },
  ],
];

const record = () => ({ keyId: "k", expiresAt: Math.ceil(Date.now() / 1000) + 60 });

describe("a file that is open and was", () => {
  it.each(faults)("%s takes no writes any more, and its reads go on", async (_, make) => {
    using directory = await sqliteDirectory();
    const file = directory.file();
    await using repositories = createSqliteRepositories(file, { keys: "none" });
    make(file);
    const { keyAnnouncements: marks } = repositories;
    const writes = [marks.set("a", record()), marks.add("a", record()), marks.delete("a"), marks.take("a")];
    for (const write of writes) {
      await expect(write).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    }
    await expect(marks.get("a")).resolves.toBeUndefined();
  });

  it.each(faults)("%s is a finding at once, whenever it was looked at last", async (_, make) => {
    using directory = await sqliteDirectory();
    const file = directory.file();
    await using repositories = createSqliteRepositories(file);
    const provider = new McpOAuthProvider({
      baseUrl: "http://localhost:9",
      scopes: ["user"],
      upstream: new FakeUpstream(Date.now),
      secret: "the secret of the instances of this test",
      repositories,
      logger: false,
    });
    const before = await provider.check();
    expect(before.findings.filter(({ check }) => check.startsWith("store"))).toMatchObject([{ status: "ok" }]);
    make(file);
    const { findings } = await provider.check();
    const told = findings.filter(({ check, status }) => check.startsWith("store") && status === "error");
    expect(told).toMatchObject([{ remedy: expect.any(String) }]);
  });

  it("moved away and put back is served again", async () => {
    using directory = await sqliteDirectory();
    const file = directory.file();
    await using repositories = createSqliteRepositories(file, { keys: "none" });
    const { keyAnnouncements: marks } = repositories;
    renameSync(file, `${file}.old`);
    await expect(marks.set("a", record())).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    renameSync(`${file}.old`, file);
    await marks.set("a", record());
    expect((await marks.get("a"))?.keyId).toBe("k");
  });
});

it("a file is looked at once a minute, and at each write where it is not in place", async () => {
  using directory = await sqliteDirectory();
  const path = directory.file();
  writeFileSync(path, "");
  const clock = new ManualClock();
  const file = new DatabaseFile(path, clock.read);
  file.requireInPlace();
  rmSync(path);
  expect(() => file.requireInPlace()).not.toThrow();
  clock.advance(60_000);
  expect(() => file.requireInPlace()).toThrow();
  expect(() => file.requireInPlace()).toThrow();
});
