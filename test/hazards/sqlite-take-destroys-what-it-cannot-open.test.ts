import { expect, it } from "vitest";
import { z } from "zod";
import { KeyRing, sealed } from "../../src/index.ts";
import { openSqlite, SqliteRepository } from "../../src/sqlite.ts";
import { sqliteDrivers } from "../support/sqlite-subject.ts";

const schema = z.object({ name: z.string() });
const codecOf = (secret: string) => sealed(schema, KeyRing.from(secret));

it.each(sqliteDrivers)(
  "a take over %s with the wrong keys is an error, and the record is there for the right ones",
  async (driver) => {
    const database = openSqlite(":memory:", { driver });
    const right = new SqliteRepository(codecOf("the secret that the record was sealed with"), database, { table: "t" });
    const wrong = new SqliteRepository(codecOf("the secret of somebody's wrong deployment"), database, { table: "t" });
    await right.set("key", { name: "Ada" });
    await expect(wrong.take("key")).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
    await expect(Promise.all([wrong.take("key"), wrong.take("other")])).rejects.toMatchObject({
      code: "ERR_UNSEALABLE",
    });
    expect(await right.take("key")).toEqual({ name: "Ada" });
    database.close();
  },
);
