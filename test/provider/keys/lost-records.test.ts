import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  asCodec,
  createRepositories,
  KeyRing,
  OAuthError,
  type ProviderRepositories,
  type Repository,
  type SchemaOrCodec,
  sealed,
  UnsealableError,
} from "../../../src/index.ts";
import { LostRecords } from "../../../src/provider/keys/lost-records.ts";
import { getFresh } from "../../../src/storage/fresh-read.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
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
  /** The store of a server without keys: the same texts, in plain. */
  const plain = () =>
    createRepositories((schema, kind) => {
      const kept = texts.get(kind) ?? new InMemoryRepository<string, Kept>({ clock: clock.read });
      texts.set(kind, kept);
      return sealedIn(kept, schema);
    });

  it("are never read: they lead to a new login, and the operator reads why and what to do", async () => {
    const options = { ...providerOptions(emulator.issuerUrl), clock: clock.read, secret: old };
    const before = new ProviderHarness({ ...options, repositories: plain() });
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
    await expect(addTo(lostIn(opening(kind), true), kind)).rejects.toMatchObject({ error: "temporarily_unavailable" });
  });

  it.each(["upstreamSessions", "upstreamRevocations"] as const)("is absent: %s", async (kind) => {
    const value = { sealed: "v2.text", expiresAt: clock.seconds(300) };
    await storeWith(old)[kind].set("key", value);
    await expect(storeWith(fresh)[kind].get("key")).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
    expect(await lostIn(storeWith(fresh))[kind].get("key")).toBeUndefined();
    expect(await lostIn(storeWith(old))[kind].get("key")).toEqual(value);
  });

  it("reads as the end of a consent of the moment when it is met first", async () => {
    const first = clock.seconds();
    await storeWith(old).consentRevocations.set("key", { revokedAt: first - 50, expiresAt: first + 500 });
    const read = () => lostIn(storeWith(fresh)).consentRevocations.get("key");
    expect(await read()).toMatchObject({ revokedAt: first });
    clock.advanceSeconds(10);
    expect(await read()).toMatchObject({ revokedAt: first });
  });
});

/** The repositories as a provider sees them, where no other instance has the key, or where one has. */
function lostIn(repositories: ProviderRepositories, isAnnounced = false): ProviderRepositories {
  const explain = async (failure: unknown) =>
    isAnnounced
      ? new OAuthError("temporarily_unavailable", "Another instance has the key.", { cause: failure })
      : new OAuthError("invalid_grant", "The key is gone.");
  const configuration = configured({ repositories }, clock);
  return new LostRecords({ explain }, configuration.reporter, () => clock.seconds()).without(repositories);
}

it("records under a key that another instance has are an outage, and the client comes back", async () => {
  const [ahead, behind] = [open([fresh, old]), open(old)];
  await behind.get("/.well-known/oauth-authorization-server");
  const tokens = await ahead.tokens();
  expect(await behind.mcpStatus(tokens.access_token)).toBe(503);
  expect((await behind.refresh(tokens)).status).toBe(503);
  expect(await ahead.mcpStatus(tokens.access_token)).toBe(200);
});

it("a repository of somebody's own that answers null is an error that says what to answer", async () => {
  const repositories = createRepositories(<V>() => new InMemoryRepository<string, V>({ clock: clock.read }));
  const answersNull = Object.assign(sealedIn<never>(new InMemoryRepository<string, Kept>(), asCodec(z.never())), {
    get: async () => JSON.parse("null"),
    getFresh: async () => JSON.parse("null"),
  });
  for (const kind of ["accessTokens", "clients", "consentRevocations", "grants"] as const) {
    const seen = lostIn({ ...repositories, [kind]: answersNull })[kind];
    await expect(seen.get("a")).rejects.toMatchObject({
      code: "ERR_CONFIGURATION",
      message: expect.stringContaining("have to answer undefined"),
    });
    await expect(getFresh<string, unknown>(seen, "a")).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  }
});
