import { describe, expect, it } from "vitest";
import { placed } from "../../src/cli/store/placed-failure.ts";
import type { StoreAddress } from "../../src/cli/store/store-address.ts";
import { createInMemoryRepositories, McpOAuthProvider } from "../../src/index.ts";
import { postgresFailure } from "../../src/storage/postgres/postgres-failure.ts";
import { connectionFailure } from "../../src/storage/redis/redis-failure.ts";
import { pathFailure, sqliteFailure } from "../../src/storage/sqlite/sqlite-failure.ts";
import { toStorageFailure } from "../../src/storage/vault/vault-failure.ts";
import { FakeUpstream } from "../support/fake-upstream.ts";
import { intercepted } from "../support/intercepted-repository.ts";

const coded = (code: string, members: object = {}) => Object.assign(new Error("x"), { code, ...members });
const sqlite: StoreAddress = { kind: "sqlite", path: "copy.db" };
const postgres: StoreAddress = { kind: "postgres", url: "postgres://db.example/state" };
const redis: StoreAddress = { kind: "redis", url: "redis://cache.example/0" };
const vault: StoreAddress = { kind: "vault", folder: undefined };

/** A fault of a store, and whether the network is what to look at. */
const faults: readonly (readonly [what: string, failure: Error, address: StoreAddress, isUnreached: boolean])[] = [
  ["a full disk of SQLite", sqliteFailure(coded("SQLITE_FULL"), "write"), sqlite, false],
  ["a full disk below a new file", pathFailure(coded("ENOSPC"), "copy.db"), sqlite, false],
  ["a directory that is missing", pathFailure(coded("ENOENT"), "copy.db"), sqlite, false],
  ["a full disk of Postgres", postgresFailure(coded("53100"), "write"), postgres, false],
  ["a certificate of Postgres", postgresFailure(coded("CERT_HAS_EXPIRED"), "read"), postgres, false],
  ["a Postgres that is down", postgresFailure(coded("ECONNREFUSED", { syscall: "connect" }), "read"), postgres, true],
  ["a Redis that is down", connectionFailure(coded("ECONNREFUSED")), redis, true],
  ["a Vault whose name is not known", toStorageFailure(new Error("x", { cause: coded("ENOTFOUND") })), vault, true],
];

/** What sends its reader to the network. */
const network = /firewall/;

describe("a store's own fault is told with the store's own remedy", () => {
  it.each(faults)("by a command: %s", (_, failure, address, isUnreached) => {
    const told = placed(failure, address);
    expect(told).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    expect(network.test(Object(told).message)).toBe(isUnreached);
    // What the library says to do is not lost.
    if (!isUnreached) expect(Object(told).message).toContain(failure.message);
  });

  it.each([
    ...faults,
    ["a password of Postgres", postgresFailure(coded("28P01"), "read"), postgres, false] as const,
    ["a right in Postgres", postgresFailure(coded("42501"), "read"), postgres, false] as const,
    ["a right to a file", pathFailure(coded("EACCES"), "copy.db"), sqlite, false] as const,
  ])("by check(): %s", async (_, failure, { kind }, isUnreached) => {
    const good = createInMemoryRepositories();
    const keyAnnouncements = intercepted(good.keyAnnouncements, async () => {
      throw failure;
    });
    const provider = new McpOAuthProvider({
      baseUrl: "http://localhost:9",
      scopes: ["user"],
      upstream: new FakeUpstream(Date.now),
      secret: "the secret of the instances of this test",
      repositories: { ...good, keyAnnouncements },
      logger: false,
    });
    const { findings } = await provider.check();
    const { remedy = "", what = "" } = findings.find(({ check }) => check === "store") ?? {};
    expect(what).toContain(failure.message);
    expect(network.test(remedy)).toBe(isUnreached);
    for (const other of ["Vault", "Redis", "Postgres", "SQLite"]) {
      if (other.toLowerCase() !== kind) expect(remedy).not.toContain(other);
    }
  });
});
