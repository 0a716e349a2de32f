import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { beforeEach, describe, expect, it } from "vitest";
import {
  createInMemoryRepositories,
  type ProviderRepositories,
  UpstreamRejectedError,
  type UpstreamTokens,
  UpstreamUnavailableError,
} from "../../../src/index.ts";
import type { ProviderInternals } from "../../../src/provider/configuration/internals.ts";
import { formatAccessToken, formatHandle } from "../../../src/provider/oauth/grant-credential.ts";
import { accessTokenKey } from "../../../src/records/keys.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { logInAda, startServer } from "../../support/fake-upstream-server.ts";
import { intercepted, refusing } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { recordsOf } from "../../support/records-of.ts";

const hour = 3600;

/** An upstream that a test lets refuse, and whose tokens have what the test says. */
class ScriptedUpstream extends FakeUpstream {
  failure: Error | undefined;
  changes: { readonly [Name in keyof UpstreamTokens]?: UpstreamTokens[Name] | undefined } = {};

  override async exchange(exchange: Parameters<FakeUpstream["exchange"]>[0]): Promise<UpstreamTokens> {
    return this.#said(await super.exchange(exchange));
  }

  override async refresh(refreshToken: string): Promise<UpstreamTokens> {
    if (this.failure !== undefined) throw this.failure;
    return this.#said(await super.refresh(refreshToken));
  }

  #said(tokens: UpstreamTokens): UpstreamTokens {
    const said = Object.entries({ ...tokens, ...this.changes }).filter(([, value]) => value !== undefined);
    return { token: tokens.token, ...Object.fromEntries(said) };
  }
}

let clock: ManualClock;
let upstream: ScriptedUpstream;
let repositories: ProviderRepositories;
beforeEach(() => {
  clock = new ManualClock();
  upstream = new ScriptedUpstream(clock.read);
  repositories = createInMemoryRepositories({ clock: clock.read });
});

async function logIn(changes: Partial<ProviderRepositories> = {}, internals: ProviderInternals = {}) {
  const options = {
    upstream,
    repositories: { ...repositories, ...changes },
    clock: clock.read,
    accessTokenLifetimeSeconds: 24 * hour,
  };
  const harness = startServer(options, internals);
  const tokens = await logInAda(harness);
  const open = () => harness.provider.upstreamToken({ token: tokens.access_token });
  return { harness, tokens, open };
}

const where = { upstream: "fake", upstreamIssuer: "https://login.fake.example" };
const over = { error: "invalid_token" };

describe("an upstream token", () => {
  it("is told with what the upstream said of it, and with nothing that it did not say", async () => {
    expect(await (await logIn()).open()).toStrictEqual({
      ...where,
      token: "ada-1",
      expiresAt: clock.seconds(hour),
      subject: "ada",
    });
    upstream.changes = { expiresAt: undefined, scopes: ["profile"] };
    expect(await (await logIn()).open()).toStrictEqual({
      ...where,
      token: "ada-2",
      scopes: ["profile"],
      subject: "ada",
    });
  });

  it("is refreshed a minute before it expires, and not sooner", async () => {
    const { open } = await logIn();
    clock.advanceSeconds(hour - 60.001);
    expect((await open()).token).toBe("ada-1");
    clock.advanceSeconds(0.001);
    expect((await open()).token).toBe("ada-2");
  });

  it("that is due is waited for by whoever else needs it here, without a look at the lock", async () => {
    const delay = () => Promise.reject(new Error("nobody has to wait for the lock"));
    const { open } = await logIn({}, { delay });
    clock.advanceSeconds(hour);
    const opened = await Promise.all(Array.from({ length: 5 }, open));
    expect(opened.map(({ token }) => token)).toEqual(Array(5).fill("ada-2"));
  });

  it("is never refreshed where the upstream did not say that it ends", async () => {
    upstream.changes = { expiresAt: undefined };
    const { open } = await logIn();
    clock.advanceSeconds(20 * hour);
    expect((await open()).token).toBe("ada-1");
  });

  it("that was refreshed has no end where the upstream says none of the new one", async () => {
    const { open } = await logIn();
    clock.advanceSeconds(hour);
    upstream.changes = { expiresAt: undefined };
    expect(await open()).toStrictEqual({ ...where, token: "ada-2", subject: "ada" });
  });

  it("is used to its end while the upstream is out, and not beyond", async () => {
    const { open } = await logIn();
    upstream.failure = new UpstreamUnavailableError("The test switched the upstream off.");
    clock.advanceSeconds(hour - 0.001);
    expect((await open()).token).toBe("ada-1");
    clock.advanceSeconds(0.001);
    await expect(open()).rejects.toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
  });

  it("is used to its end where the upstream has ended the session, and ends the login then", async () => {
    const { harness, tokens, open } = await logIn();
    upstream.failure = new UpstreamRejectedError("invalid_grant", "The session is over.");
    clock.advanceSeconds(hour - 0.001);
    expect((await open()).token).toBe("ada-1");
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    clock.advanceSeconds(0.001);
    await expect(open()).rejects.toMatchObject(over);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
  });

  it("ends no login where the upstream refuses this server", async () => {
    const { harness, tokens, open } = await logIn();
    upstream.failure = new UpstreamRejectedError("invalid_client", "This server is not known.");
    clock.advanceSeconds(hour - 30);
    await expect(open()).rejects.toBe(upstream.failure);
    clock.advanceSeconds(30);
    await expect(open()).rejects.toBe(upstream.failure);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    upstream.failure = undefined;
    expect((await open()).token).toBe("ada-2");
  });

  it("opens by an access token until that is over, by this server's clock", async () => {
    const { tokens, open } = await logIn();
    const key = accessTokenKey(tokens.access_token);
    const record = await repositories.accessTokens.get(key);
    if (record === undefined) throw new Error("It is stored.");
    // The store's clock is behind: it has what this server takes for expired.
    repositories.accessTokens.get = async () => ({ ...record, expiresAt: clock.seconds(1) });
    expect((await open()).token).toBe("ada-1");
    repositories.accessTokens.get = async () => ({ ...record, expiresAt: clock.seconds() });
    await expect(open()).rejects.toMatchObject(over);
    const { expiresAt: _, ...forever } = record;
    const { wrappedKey: __, ...keyless } = record;
    for (const refused of [forever, keyless, { ...record, revokedAt: clock.seconds(-1) }]) {
      repositories.accessTokens.get = async () => refused;
      await expect(open()).rejects.toMatchObject(over);
    }
  });

  it("opens by nothing else, nor by the token of a login that is gone", async () => {
    const { harness, open } = await logIn();
    const unknown = formatAccessToken(formatHandle(new Uint8Array(16)), new Uint8Array(32));
    for (const token of ["nonsense", `mcp_${"0f".repeat(32)}`, unknown]) {
      await expect(harness.provider.upstreamToken({ token })).rejects.toMatchObject(over);
    }
    for (const [grantId] of await recordsOf(repositories.grants)) await repositories.grants.delete(grantId);
    await expect(open()).rejects.toMatchObject(over);
  });

  it("without a refresh token is used to its end, which ends the login", async () => {
    upstream.changes = { refreshToken: undefined };
    const { harness, tokens, open } = await logIn();
    clock.advanceSeconds(hour - 1);
    expect((await open()).token).toBe("ada-1");
    clock.advanceSeconds(1);
    await expect(open()).rejects.toMatchObject(over);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
  });

  it.each([
    ["before it read the session, with the lock still there", 1, true],
    ["before it read the session", 1, false],
    ["before the upstream refused it", 2, false],
  ])("that another instance has refreshed %s is taken", async (_, staleReads, isLocked) => {
    let left = 0;
    const upstreamSessions = intercepted(repositories.upstreamSessions, (run) => run());
    const { get } = upstreamSessions;
    upstreamSessions.get = async (key) => {
      if (left === 0) return get(key);
      left -= 1;
      return undefined;
    };
    const { harness, tokens, open } = await logIn({ upstreamSessions }, { delay: async () => {} });
    const other = startServer({ upstream, repositories, clock: clock.read, accessTokenLifetimeSeconds: 24 * hour });
    clock.advanceSeconds(hour);
    const refreshed = await other.provider.upstreamToken({ token: tokens.access_token });
    expect(refreshed.token).toBe("ada-2");
    const locks = await recordsOf(repositories.locks);
    expect(locks, "of a version that was replaced").toHaveLength(1);
    if (!isLocked) for (const [key] of locks) await repositories.locks.delete(key);
    left = staleReads;
    expect((await open()).token).toBe("ada-2");
    expect(left).toBe(0);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  });

  it("that was refreshed for a login which was ended meanwhile is ended once, and its lock is left", async () => {
    let endMeanwhile: () => Promise<unknown> = async () => undefined;
    const upstreamSessions = intercepted(repositories.upstreamSessions, async (run, { method }) => {
      if (method === "set") await endMeanwhile();
      return run();
    });
    const { harness, open } = await logIn({ upstreamSessions });
    const [[grantId] = [""]] = await recordsOf(repositories.grants);
    const operator = startServer({ upstream, repositories, clock: clock.read });
    endMeanwhile = () => operator.provider.revokeGrant(grantId);
    clock.advanceSeconds(hour);
    await expect(open()).rejects.toMatchObject(over);
    expect(await recordsOf(repositories.locks)).toHaveLength(1);
    clock.advanceSeconds(60);
    await harness.get("/.well-known/oauth-authorization-server");
    await harness.provider[Symbol.asyncDispose]();
    expect(upstream.revoked.map(({ token }) => token)).toEqual(["ada-2"]);
  });

  it("is refreshed by the session that was read, where the store has none any more", async () => {
    let reads = 0;
    const grants = intercepted(repositories.grants, (run) => run());
    const { get } = grants;
    grants.get = async (key) => {
      const found = await get(key);
      reads += 1;
      if (found === undefined || reads === 1) return found;
      const { sealedUpstream: _, ...emptied } = found;
      return emptied;
    };
    const { open } = await logIn({ grants });
    clock.advanceSeconds(hour);
    reads = 0;
    expect((await open()).token).toBe("ada-2");
    expect(reads).toBeGreaterThan(1);
  });

  it("is not there where the login has no session", async () => {
    const { open } = await logIn();
    const { get } = repositories.grants;
    repositories.grants.get = async (key) => {
      const { sealedUpstream: _, ...grant } = (await get.call(repositories.grants, key)) ?? {
        clientId: "",
        scopes: [],
        createdAt: 0,
        expiresAt: 0,
      };
      return grant;
    };
    await expect(open()).rejects.toMatchObject(over);
  });
});

describe("a store that does not take a refreshed session", () => {
  it("is told of as an outage, and the session is good", async () => {
    const upstreamSessions = refusing(repositories.upstreamSessions, (method) => method === "set");
    const { open } = await logIn({ upstreamSessions });
    clock.advanceSeconds(hour);
    const told: unknown[] = [];
    const listen = (event: unknown) => void told.push(event);
    subscribe("pangea-authn-fastmcp:outage", listen);
    expect((await open()).token).toBe("ada-2");
    unsubscribe("pangea-authn-fastmcp:outage", listen);
    expect(told).toEqual([expect.objectContaining({ code: "ERR_STORAGE_UNAVAILABLE" })]);
  });

  it("may be out for longer than the session lasts, which is refreshed from the newest one", async () => {
    const upstreamSessions = refusing(repositories.upstreamSessions, (method) => method === "set");
    const { open } = await logIn({ upstreamSessions });
    for (const token of ["ada-2", "ada-3", "ada-4"]) {
      clock.advanceSeconds(hour);
      for (let times = 0; times < 2; times += 1) expect((await open()).token).toBe(token);
    }
  });

  it("for a reason that nobody foresaw is told as what it is", async () => {
    const failure = new TypeError("The test has a defect.");
    const upstreamSessions = intercepted(repositories.upstreamSessions, async (run, { method }) => {
      if (method === "set") throw failure;
      return run();
    });
    const { open } = await logIn({ upstreamSessions });
    clock.advanceSeconds(hour);
    await expect(open()).rejects.toBe(failure);
  });
});
