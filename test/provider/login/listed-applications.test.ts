import { describe, expect, it } from "vitest";
import {
  OAuthError,
  StorageUnavailableError,
  UnreadableRecordsError,
  UpstreamUnavailableError,
} from "../../../src/errors.ts";
import { createInMemoryRepositories, isEnumerable } from "../../../src/index.ts";
import type { KnownClient } from "../../../src/provider/clients/client-registry.ts";
import { allowedApplications, knownClient } from "../../../src/provider/login/allowed-applications.ts";
import { configured } from "../../support/configured.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const user = { subject: "ada", upstreamIssuer: "https://login.fake.example" };
const fail = (failure: unknown) => {
  throw failure;
};
const clientOf = (clientId: string): KnownClient => ({
  information: { client_id: clientId, redirect_uris: ["https://app.example/callback"] },
  source: "registered",
  verifiedDomain: undefined,
  normalisedRedirectUris: false,
});

/** A server on which the user has logged in with these clients, one after the other. */
async function serverWith(clientIds: readonly string[]) {
  const clock = new ManualClock();
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const configuration = configured({ repositories }, clock);
  for (const [index, clientId] of clientIds.entries()) {
    await repositories.grants.set(`grant-${index}`, {
      ...user,
      clientId,
      scopes: ["user"],
      resource: new URL(configuration.resource),
      createdAt: clock.seconds(index),
      expiresAt: clock.seconds(3600),
    });
  }
  return configuration;
}

describe("what a person has allowed", () => {
  it("is listed by application, the latest first, with the logins of each, the latest first", async () => {
    const configuration = await serverWith(["one", "two", "one", "three", "one"]);
    const registry = { find: async (clientId: string) => (clientId === "two" ? undefined : clientOf(clientId)) };
    const { applications, total } = await allowedApplications(configuration, registry, user, 100, fail);
    const shown = applications.map(({ clientId, client, logins }) => [
      clientId,
      client?.information.client_id,
      logins.map(({ grantId }) => grantId),
    ]);
    expect(shown).toEqual([
      ["one", "one", ["grant-4", "grant-2", "grant-0"]],
      ["three", "three", ["grant-3"]],
      ["two", undefined, ["grant-1"]],
    ]);
    expect(total).toBe(3);
  });

  it.each([
    [0, 3],
    [2, 3],
    [3, 3],
    [4, 3],
  ])("is looked up for as many as are asked for: %d of %d", async (max, total) => {
    const configuration = await serverWith(["one", "two", "three"]);
    const asked: string[] = [];
    const registry = {
      find: async (clientId: string) => {
        asked.push(clientId);
        return undefined;
      },
    };
    const listed = await allowedApplications(configuration, registry, user, max, fail);
    expect(listed.total).toBe(total);
    expect(listed.applications.map(({ clientId }) => clientId)).toEqual(["three", "two", "one"].slice(0, max));
    expect(asked).toEqual(["three", "two", "one"].slice(0, max));
  });

  it("is listed in turns, so that other requests have theirs meanwhile", async () => {
    const configuration = await serverWith(Array<string>(1_600).fill("scribe"));
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await allowedApplications(configuration, { find: async () => undefined }, user, 100, fail);
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  it("is looked up eight at a time", async () => {
    const configuration = await serverWith(Array.from({ length: 17 }, (_, index) => `app-${index}`));
    const [begun, most] = [new Set<string>(), [] as number[]];
    const registry = {
      find: async (clientId: string) => {
        begun.add(clientId);
        await new Promise(setImmediate);
        most.push(begun.size);
        await new Promise(setImmediate);
        begun.delete(clientId);
        return undefined;
      },
    };
    const { applications } = await allowedApplications(configuration, registry, user, 100, fail);
    expect(applications).toHaveLength(17);
    expect(new Set(applications.map(({ clientId }) => clientId)).size).toBe(17);
    expect(Math.max(...most)).toBe(8);
  });

  it.each([
    [new UnreadableRecordsError("The test says so.", { count: 1, keyIds: [] }), ["two", "one"]],
    [new StorageUnavailableError("The test's store is out."), []],
  ])("is what could be read, where a failure of the listing is tolerated: %s", async (failure, expected) => {
    const configuration = await serverWith(["one", "two"]);
    const { grants } = configuration.repositories;
    if (!isEnumerable(grants)) expect.unreachable();
    const failing = {
      ...intercepted(grants, (run) => run()),
      entries: async function* () {
        yield* grants.entries();
        throw failure;
      },
    };
    const parts = { ...configuration, repositories: { ...configuration.repositories, grants: failing } };
    const told: unknown[] = [];
    const registry = { find: async () => undefined };
    const { applications } = await allowedApplications(
      parts,
      registry,
      user,
      100,
      async (each) => void told.push(each),
    );
    expect(applications.map(({ clientId }) => clientId)).toEqual(expected);
    expect(told).toEqual([failure]);
    await expect(allowedApplications(parts, registry, user, 100, fail)).rejects.toBe(failure);
  });
});

describe("the client of a grant", () => {
  it("is nobody where its document is refused, and a failure of the store is passed on", async () => {
    expect(await knownClient({ find: async () => clientOf("app") }, "app")).toEqual(clientOf("app"));
    const refused = new OAuthError("invalid_client", "The document is refused.");
    expect(await knownClient({ find: () => Promise.reject(refused) }, "app")).toBeUndefined();
    for (const failure of [
      new StorageUnavailableError("no"),
      new UpstreamUnavailableError("no"),
      new TypeError("no"),
    ]) {
      await expect(knownClient({ find: () => Promise.reject(failure) }, "app")).rejects.toBe(failure);
    }
  });
});
