import { describe, it } from "vitest";
import { testRepository } from "../../../src/conformance.ts";
import { KeyRing } from "../../../src/secrets/key-ring.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { sealed } from "../../../src/storage/codecs/sealed.ts";
import { setUp } from "../../support/set-up.ts";
import { sqliteDirectory, sqliteDrivers, sqliteSubject } from "../../support/sqlite-subject.ts";

const runner = { describe, it };
const holdRead = "a statement is over before anything else happens in this process";
const keys = KeyRing.from("a secret of the conformance test, long enough");
const foreignKeys = KeyRing.from("a secret that the repository does not have");
const plantUnopenable = "nothing is sealed";

describe.each(sqliteDrivers)("over %s", (driver) => {
  let directory: Awaited<ReturnType<typeof sqliteDirectory>>;
  setUp("file", async (parts) => {
    directory = parts.use(await sqliteDirectory());
  });

  testRepository(
    "SqliteRepository",
    () => sqliteSubject({ driver, file: directory.file(), codecOf: (schema) => schema }),
    { runner, without: { holdRead, plantUnopenable } },
  );

  testRepository(
    "SqliteRepository with sealed records",
    () => sqliteSubject({ driver, file: directory.file(), codecOf: (schema) => sealed(schema, keys), foreignKeys }),
    { runner, without: { holdRead } },
  );

  testRepository(
    "CachedRepository over SqliteRepository",
    () =>
      sqliteSubject({
        driver,
        file: directory.file(),
        codecOf: (schema) => schema,
        wrap: (repository, clock) => new CachedRepository(repository, { max: 1_000, maxStaleness: 60_000, clock }),
      }),
    {
      runner,
      without: {
        holdRead,
        plantUnopenable,
        again: "a copy in memory hides another instance's change for maxStaleness",
        plant: "a copy in memory hides what is planted behind it",
        breakStore: "a copy in memory is answered while the store is out",
      },
    },
  );
});
