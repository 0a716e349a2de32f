import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  asCodec,
  createRepositories,
  isEnumerable,
  KeyRing,
  OAuthError,
  type ProviderRepositories,
  type Repository,
  type SchemaOrCodec,
  StorageUnavailableError,
  sealed,
  UnreadableRecordsError,
  UnsealableError,
} from "../../../src/index.ts";
import { LostRecords } from "../../../src/provider/keys/lost-records.ts";
import type { KeyHolder } from "../../../src/records/foreign-records.ts";
import { getFresh } from "../../../src/storage/fresh-read.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
import { hasIndexes } from "../../../src/storage/indexed.ts";
import { configured } from "../../support/configured.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { joinCookies, ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();
const old = "o".repeat(40);
const fresh = "n".repeat(40);

let clock: ManualClock;
let texts: Map<string, InMemoryRepository<string, Kept>>;
beforeEach(() => {
  clock = new ManualClock();
  texts = new Map();
});

interface Kept {
  readonly text: string;
  readonly expiresAt?: number;
}

/** A repository that keeps sealed texts, as Redis does. */
function sealedIn<V>(kept: InMemoryRepository<string, Kept>, schema: SchemaOrCodec<V>): Repository<string, V> {
  const codec = asCodec(schema);
  const place = (key: string) => ({ repository: "test", key });
  const opened = (found: Kept | undefined, key: string) => found && codec.decode(found.text, place(key));
  const closed = (key: string, value: V): Kept => {
    const expiresAt = Object(value).expiresAt;
    return { text: codec.encode(value, place(key)), ...(typeof expiresAt === "number" && { expiresAt }) };
  };
  return {
    get: async (key) => opened(await kept.get(key), key),
    set: (key, value) => kept.set(key, closed(key, value)),
    delete: (key) => kept.delete(key),
    take: async (key) => {
      const value = opened(await kept.get(key), key);
      await kept.delete(key);
      return value;
    },
    add: (key, value) => kept.add(key, closed(key, value)),
  };
}

/** What an instance sees of the store that has these secrets for it. */
function storeWith(secrets: string | string[]): ProviderRepositories & { readonly sealingKeyIds: readonly string[] } {
  const keys = KeyRing.from(secrets);
  const repositories = createRepositories((schema, kind) => {
    const kept = texts.get(kind) ?? new InMemoryRepository<string, Kept>({ clock: clock.read });
    texts.set(kind, kept);
    return sealedIn(kept, sealed(schema, keys));
  });
  return { ...repositories, sealingKeyIds: keys.ids };
}

/** The store of a server without keys: the same texts, in plain. */
function plainStore(): ProviderRepositories {
  return createRepositories((schema, kind) => {
    const kept = texts.get(kind) ?? new InMemoryRepository<string, Kept>({ clock: clock.read });
    texts.set(kind, kept);
    return sealedIn(kept, schema);
  });
}

const open = (secrets: string | string[]) =>
  new ProviderHarness({
    ...providerOptions(emulator.issuerUrl),
    repositories: storeWith(secrets),
    clock: clock.read,
  });
const errorOf = async (answer: Response) => [answer.status, (await jsonOf(answer)).error];
const forget = async () => {
  const kept = texts.get("key_announcement");
  for await (const [key] of kept?.entries() ?? []) await kept?.delete(key);
};

describe("records that the store has sealed under a key that no instance has any more", () => {
  it("lead to a new login, and to a new registration, and the operator reads which key it was", async () => {
    const before = open(old);
    const tokens = await before.tokens();
    const code = await before.codeFor(tokens.clientId);
    await forget();
    const told = heard("key-lost");
    const after = open(fresh);
    expect(await after.mcpStatus(tokens.access_token)).toBe(401);
    await expect(after.provider.verifyAccessToken(tokens.access_token)).rejects.toMatchObject({
      error: "invalid_token",
    });
    await expect(after.provider.pangeaToken({ token: tokens.access_token })).rejects.toMatchObject({
      error: "invalid_token",
    });
    expect(await errorOf(await after.refresh(tokens))).toEqual([401, "invalid_client"]);
    expect(await errorOf(await after.redeem(code))).toEqual([401, "invalid_client"]);
    const page = await after.get(after.authorizePath({ client_id: tokens.clientId, code_challenge: pkce().challenge }));
    expect(page.status).toBe(400);
    expect(await page.text()).toContain("Connect this application again");
    const [keyId] = KeyRing.from(old).ids;
    const events = told.stop();
    expect(events.length).toBeGreaterThan(2);
    expect(events.at(-1)).toEqual({ keyId, records: events.length });
    const again = await after.tokens();
    expect(await after.mcpStatus(again.access_token)).toBe(200);
  });

  it("are those of the same client, which registers under the same id", async () => {
    const metadata = { software_id: "one" };
    const { client_id } = await open(old).register(metadata);
    await forget();
    const after = open(fresh);
    expect((await after.register(metadata)).client_id).toBe(client_id);
    expect((await after.tokensFor(client_id)).token_type).toBe("Bearer");
  });

  it("cost nothing that the key, listed again, would open", async () => {
    const tokens = await open(old).tokens();
    await forget();
    expect(await open(fresh).mcpStatus(tokens.access_token)).toBe(401);
    const listed = open([fresh, old]);
    expect(await listed.mcpStatus(tokens.access_token)).toBe(200);
    expect((await listed.refresh(tokens)).status).toBe(200);
  });
});

describe("records that are not sealed, in a store whose records are", () => {
  it("are never read: they lead to a new login, and the operator reads why and what to do", async () => {
    const options = { ...providerOptions(emulator.issuerUrl), clock: clock.read, secret: old };
    const before = new ProviderHarness({ ...options, repositories: plainStore() });
    const tokens = await before.tokens();
    const told = heard("plain-records");
    const after = new ProviderHarness({ ...options, repositories: storeWith(old) });
    expect(await after.mcpStatus(tokens.access_token)).toBe(401);
    expect(await errorOf(await after.refresh(tokens))).toEqual([401, "invalid_client"]);
    const events = told.stop();
    expect(events.at(-1)).toEqual({ records: events.length });
    const again = await after.tokens();
    expect(await after.mcpStatus(again.access_token)).toBe(200);
  });
});

describe("a record that refused something, and is lost", () => {
  it("asks the person again, once, where it was the end of a consent", async () => {
    const metadata = { software_id: "one" };
    const before = open(old);
    const { client_id } = await before.register(metadata);
    const tokens = await before.tokensFor(client_id);
    const { extra } = await before.provider.verifyAccessToken(tokens.access_token);
    await before.provider.revokeGrant(String(extra?.grantId));
    await forget();
    clock.advanceSeconds(100);
    const after = open(fresh);
    expect((await after.register(metadata)).client_id).toBe(client_id);
    const begun = await after.beginLogin({ client_id, code_challenge: pkce().challenge });
    const callback = await after.logInUpstream(begun.location);
    clock.advanceSeconds(1);
    const answer = await after.provider.fetch(new Request(callback, { headers: { cookie: begun.cookie } }));
    expect(answer.status).toBe(200);
    const sealed = /name="request" value="([^"]+)"/.exec(await answer.text())?.[1] ?? "";
    const cookie = joinCookies(begun.cookie, answer);
    clock.advanceSeconds(1);
    const again = await after.decide({ sealed, cookie }, "allow");
    const loggedIn = await after.logInUpstream(new URL(again.headers.get("location") ?? ""));
    const { location } = await after.followCallback(loggedIn, joinCookies(cookie, again));
    expect(location.searchParams.get("code")).not.toBeNull();
    // Until two clocks cannot differ about it, another browser's answer is asked for twice.
    clock.advanceSeconds(121);
    expect(await after.mcpStatus((await after.tokensFor(client_id)).access_token)).toBe(200);
  });

  /** A store whose `add` has to open what is there, as it does where it looks whether that has expired. */
  const opening = (kind: "locks" | "clientAssertions"): ProviderRepositories => {
    const repositories = storeWith(fresh);
    const add = async () => {
      throw new UnsealableError("The key is not in the ring.", { keyId: "q83v" });
    };
    return { ...repositories, [kind]: { ...repositories[kind], add } };
  };
  const addTo = ({ locks, clientAssertions }: ProviderRepositories, kind: "locks" | "clientAssertions") => {
    const expiresAt = clock.seconds(300);
    return kind === "locks"
      ? locks.add("key", { owner: "one", expiresAt })
      : clientAssertions.add("key", { clientId: "one", expiresAt });
  };

  it.each(["locks", "clientAssertions"] as const)("stays in the way of what would be added: %s", async (kind) => {
    expect(await addTo(lostIn(opening(kind)), kind)).toBe(false);
    expect(await addTo(lostIn(storeWith(fresh)), kind)).toBe(true);
  });

  it.each(["locks", "clientAssertions"] as const)("is an outage while another has the key: %s", async (kind) => {
    await expect(addTo(lostIn(opening(kind), "this server"), kind)).rejects.toMatchObject({
      error: "temporarily_unavailable",
    });
  });

  it.each(["upstreamSessions", "upstreamRevocations"] as const)("is absent: %s", async (kind) => {
    const value = { sealed: "v2.text", expiresAt: clock.seconds(300) };
    await storeWith(old)[kind].set("key", value);
    await expect(storeWith(fresh)[kind].get("key")).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
    expect(await lostIn(storeWith(fresh))[kind].get("key")).toBeUndefined();
    expect(await lostIn(storeWith(old))[kind].get("key")).toEqual(value);
  });

  it.each([
    ["sealed under a key that is gone", () => storeWith(old)],
    ["not sealed", plainStore],
  ])("reads as the end of a consent of the moment when it is met first: %s", async (_, writer) => {
    const first = clock.seconds();
    await writer().consentRevocations.set("key", { revokedAt: first - 50, expiresAt: first + 500 });
    const read = () => lostIn(storeWith(fresh)).consentRevocations.get("key");
    expect(await read()).toMatchObject({ revokedAt: first });
    clock.advanceSeconds(10);
    expect(await read()).toMatchObject({ revokedAt: first });
  });
});

/** The repositories as a provider sees them, where nobody has the key, or where somebody has. */
function lostIn(
  repositories: ProviderRepositories,
  holder: KeyHolder | ((keyId: string) => KeyHolder) = "nobody",
): ProviderRepositories {
  const holderOf = async (keyId: string) => (typeof holder === "string" ? holder : holder(keyId));
  const explain = async (failure: unknown) =>
    holder === "this server"
      ? new OAuthError("temporarily_unavailable", "Another instance has the key.", { cause: failure })
      : new OAuthError("invalid_grant", "The key is gone.");
  const configuration = configured({ repositories }, clock);
  const announcements = { explain, holderOf };
  return new LostRecords(announcements, configuration.reporter, () => clock.seconds()).without(repositories);
}

describe("a record that another server has sealed in the same store", () => {
  const expiresAt = 3_000_000_000;
  it("is never written over: neither a registration nor the end of a consent", async () => {
    const theirs = storeWith(old);
    await theirs.clients.set("key", { client_id: "key", redirect_uris: ["https://client.example/"], expiresAt });
    await theirs.consentRevocations.set("key", { revokedAt: 50, expiresAt });
    const here = lostIn(storeWith(fresh), "another server");
    const registration = { client_id: "key", redirect_uris: ["https://another.example/"], expiresAt };
    await expect(here.clients.add("key", registration)).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
    expect(await here.clients.get("key")).toBeUndefined();
    const met = await here.consentRevocations.get("key");
    expect(met?.revokedAt).toBeGreaterThan(expiresAt);
    clock.advanceSeconds(10);
    expect(await here.consentRevocations.get("key"), "at each read").toEqual(met);
    expect(await theirs.clients.get("key")).toMatchObject({ redirect_uris: ["https://client.example/"] });
    expect(await theirs.consentRevocations.get("key")).toMatchObject({ revokedAt: 50 });
  });
});

describe("a record that does not open", () => {
  const repositories = () => createRepositories(<V>() => new InMemoryRepository<string, V>({ clock: clock.read }));
  const failing = (failureOf: (key: string) => unknown) => {
    const fail = async (key: string) => {
      throw failureOf(key);
    };
    const inner = sealedIn<never>(new InMemoryRepository<string, Kept>(), asCodec(z.never()));
    return Object.assign(inner, { get: fail, getFresh: fail, add: fail });
  };
  /** A key of the store names the key that the record is sealed under. */
  const underNamedKey = failing((key) => new UnsealableError("The key is gone.", { keyId: key.slice(0, 3) }));

  it.each([
    ["an outage", new StorageUnavailableError("The test says so.")],
    ["a spoilt record", new UnsealableError("The test spoils it.")],
    ["a defect", new TypeError("The test throws.")],
    ["nothing at all", undefined],
  ])("is a failure for whoever reads, lists and adds, where no key is missing: %s", async (_, failure) => {
    for (const kind of ["accessTokens", "clients", "consentRevocations", "grants"] as const) {
      const seen = lostIn({ ...repositories(), [kind]: failing(() => failure) })[kind];
      await expect(seen.get("a")).rejects.toBe(failure);
      await expect(getFresh<string, unknown>(seen, "a")).rejects.toBe(failure);
    }
    for (const kind of ["clients", "clientAssertions", "locks"] as const) {
      const seen: { add(key: string, value: unknown): Promise<boolean> } = lostIn({
        ...repositories(),
        [kind]: failing(() => failure),
      })[kind];
      await expect(seen.add("a", { expiresAt: clock.seconds(60) })).rejects.toBe(failure);
    }
    const all = repositories();
    const failingEntries = async function* () {
      yield* [];
      throw failure;
    };
    const { clients } = lostIn({ ...all, clients: Object.assign(all.clients, { entries: failingEntries }) });
    if (!isEnumerable(clients)) throw new TypeError("The repository lists nothing.");
    await expect(clients.entries()[Symbol.asyncIterator]().next()).rejects.toBe(failure);
  });

  it("is in the way of nothing else that is done with the records of its kind", async () => {
    const { clientAssertions, locks } = lostIn(repositories());
    const lock = { owner: "one", expiresAt: clock.seconds(60) };
    await locks.set("key", lock);
    expect(await locks.get("key")).toEqual(lock);
    expect(await locks.take("key")).toEqual(lock);
    const assertion = { clientId: "one", expiresAt: clock.seconds(60) };
    expect(await clientAssertions.add("key", assertion)).toBe(true);
    expect(await clientAssertions.get("key")).toEqual(assertion);
    await clientAssertions.delete("key");
    expect(await clientAssertions.get("key")).toBeUndefined();
  });

  it("is absent where its key is gone, and is told of once, with how many there are of its key", async () => {
    const told = heard("key-lost");
    const seen = lostIn({ ...repositories(), accessTokens: underNamedKey }).accessTokens;
    for (const key of ["one a", "one a", "two a", "one b"]) expect(await seen.get(key)).toBeUndefined();
    expect(await getFresh(seen, "one c")).toBeUndefined();
    expect(told.stop()).toEqual([
      { keyId: "one", records: 1 },
      { keyId: "two", records: 1 },
      { keyId: "one", records: 2 },
      { keyId: "one", records: 3 },
    ]);
  });

  it("is absent where it is not sealed, whoever has keys, and is told of once", async () => {
    const [told, lost] = [heard("plain-records"), heard("key-lost")];
    const plain = () => failing(() => new UnsealableError("It is not sealed.", { isPlain: true }));
    const seen = lostIn({ ...repositories(), grants: plain(), locks: plain() }, "this server");
    for (const key of ["a", "a", "b"]) expect(await seen.grants.get(key)).toBeUndefined();
    expect(await seen.locks.add("c", { owner: "one", expiresAt: clock.seconds(60) })).toBe(false);
    expect(told.stop()).toEqual([{ records: 1 }, { records: 2 }, { records: 3 }]);
    expect(lost.stop()).toEqual([]);
  });

  it("gives way to a registration under the same id, once", async () => {
    const expiresAt = clock.seconds(300);
    const registration = (host: string) => ({ client_id: "key", redirect_uris: [`https://${host}/`], expiresAt });
    await storeWith(old).clients.set("key", registration("old.example"));
    const { clients } = lostIn(storeWith(fresh));
    expect(await clients.add("key", registration("new.example"))).toBe(true);
    expect(await clients.add("key", registration("late.example"))).toBe(false);
    expect(await clients.get("key")).toMatchObject({ redirect_uris: ["https://new.example/"] });
    expect(await clients.add("other", { ...registration("a.example"), client_id: "other" })).toBe(true);
  });
});

describe("a listing that meets what another server has sealed", () => {
  const cause = new UnsealableError("The test spoils it.", { keyId: "theirs" });
  it.each([
    ["theirs alone", 2, { theirs: 2 }, undefined],
    ["theirs, and what is lost", 3, { theirs: 2, gone: 1 }, { count: 1, keyIds: ["gone"] }],
    ["theirs, and what is spoilt", 5, { theirs: 2 }, { count: 3, keyIds: [] }],
    ["what is lost alone", 1, { gone: 1 }, { count: 1, keyIds: ["gone"] }],
    ["what is spoilt alone", 2, {}, { count: 2, keyIds: [] }],
    ["theirs, and nobody has counted", 2, undefined, { count: 2, keyIds: ["theirs"] }],
  ] as const)("tells of the rest: %s", async (_, count, counted, expected) => {
    const counts = counted && new Map<string, number>(Object.entries(counted));
    const keyIds = [...(counts?.keys() ?? ["theirs"])];
    const failure = new UnreadableRecordsError("x", { count, keyIds, cause, ...(counts && { countByKeyId: counts }) });
    const repositories = createRepositories(<V>() => new InMemoryRepository<string, V>({ clock: clock.read }));
    await repositories.locks.set("lock", { owner: "somebody", expiresAt: clock.seconds(60) });
    const failing = async function* () {
      yield* [["a", { client_id: "a", redirect_uris: [] }]] as const;
      throw failure;
    };
    const clients = Object.assign(repositories.clients, { entries: failing, entriesBy: failing });
    const holder = (keyId: string): KeyHolder => (keyId === "theirs" ? "another server" : "nobody");
    const seen = lostIn({ ...repositories, clients }, holder).clients;
    if (!isEnumerable(seen) || !hasIndexes(seen)) throw new TypeError("The repository lists nothing.");
    for (const listing of [() => seen.entries(), () => seen.entriesBy("client", "a")]) {
      const listed: unknown[] = [];
      const read = async () => {
        for await (const entry of listing()) listed.push(entry);
      };
      const outcome = await read().catch((error: unknown) => error);
      expect(listed).toHaveLength(1);
      if (expected === undefined) expect(outcome).toBeUndefined();
      else expect(outcome).toMatchObject({ code: "ERR_UNREADABLE_RECORDS", ...expected });
    }
  });
});

it("records under a key that another instance has are an outage, and the client comes back", async () => {
  const [ahead, behind] = [open([fresh, old]), open(old)];
  await behind.get("/.well-known/oauth-authorization-server");
  const tokens = await ahead.tokens();
  expect(await behind.mcpStatus(tokens.access_token)).toBe(503);
  expect((await behind.refresh(tokens)).status).toBe(503);
  expect(await ahead.mcpStatus(tokens.access_token)).toBe(200);
});

describe("a repository of somebody's own", () => {
  const repositories = () => createRepositories(<V>() => new InMemoryRepository<string, V>({ clock: clock.read }));
  const answering = (answer: unknown) => {
    const methods = Object.fromEntries(["get", "getFresh", "add"].map((method) => [method, () => answer]));
    return Object.assign(sealedIn<never>(new InMemoryRepository<string, Kept>(), asCodec(z.never())), methods);
  };

  it.each([
    ["null", null],
    ["a number", 42],
    ["a text", "a record"],
    ["a truth", true],
    ["a function", () => undefined],
  ])("that answers %s where a record is asked for is an error that says what to answer", async (_, answer) => {
    for (const given of [answer, Promise.resolve(answer)]) {
      for (const kind of ["accessTokens", "clients", "consentRevocations", "grants"] as const) {
        const seen = lostIn({ ...repositories(), [kind]: answering(given) })[kind];
        const refusal = {
          code: "ERR_CONFIGURATION",
          message: expect.stringMatching(/to answer (the record, or )?undefined/),
        };
        await expect(seen.get("a")).rejects.toMatchObject(refusal);
        await expect(getFresh<string, unknown>(seen, "a")).rejects.toMatchObject(refusal);
      }
    }
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["a number", 1],
    ["a text", "OK"],
  ])("that answers %s to an add blames no client for it", async (_, answer) => {
    for (const given of [answer, Promise.resolve(answer)]) {
      for (const kind of ["accessTokens", "clients", "clientAssertions", "grants", "locks", "refreshTokens"] as const) {
        const seen: { add(key: string, value: unknown): Promise<boolean> } = lostIn({
          ...repositories(),
          [kind]: answering(given),
        })[kind];
        await expect(seen.add("a", { expiresAt: clock.seconds(60) })).rejects.toMatchObject({
          code: "ERR_CONFIGURATION",
          message: expect.stringContaining("true or false"),
        });
      }
    }
  });
});
