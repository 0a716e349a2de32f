import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { guideTo } from "../../../src/documentation.ts";
import { OAuthError, UpstreamRejectedError, UpstreamUnavailableError } from "../../../src/errors.ts";
import type { McpOAuthProviderOptions, UpstreamCodeExchange, UpstreamTokens } from "../../../src/index.ts";
import { configure } from "../../../src/provider/configuration/configuration.ts";
import {
  type CallbackParameters,
  type LoggedIn,
  UpstreamLogin,
  upstreamTransaction,
} from "../../../src/provider/login/upstream-login.ts";
import { SealedJson } from "../../../src/secrets/sealed-json.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { serverSecret } from "../../support/fake-upstream-server.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { upstreamRevocationsOf } from "../../support/upstream-revocations.ts";

let clock: ManualClock;
let upstream: FakeUpstream;
let lines: string[];
beforeEach(() => {
  clock = new ManualClock();
  upstream = new FakeUpstream(clock.read);
  lines = [];
});

/** The logins of a server, for something that a text names. */
const start = (options: Partial<McpOAuthProviderOptions> = {}) => startAt([upstream], options);

function startAt(all: readonly FakeUpstream[], options: Partial<McpOAuthProviderOptions> = {}) {
  const write = (level: string) => (text: unknown) => void lines.push(`${level} ${text}`);
  const logger = { debug() {}, info: write("info"), warn: write("warn"), error: write("error") };
  const base = { baseUrl: "https://mcp.example", scopes: ["user"], secret: serverSecret, clock: clock.read };
  const configuration = configure({ ...base, upstreams: [...all], logger, ...options }, {});
  const upstreamRevocations = upstreamRevocationsOf(configuration);
  const sealed = new SealedJson(configuration.keys.derive("test"), upstreamTransaction(z.string()));
  return new UpstreamLogin({ ...configuration, upstreamRevocations }, sealed);
}

/** Begins a login, and comes back from the upstream to the end of it. */
async function logIn<Result>(
  work: (loggedIn: LoggedIn) => Promise<Result>,
  changes: Partial<CallbackParameters> = {},
  logins = start(),
): Promise<Result> {
  const { location, state, transaction } = await logins.begin(upstream, "this");
  const code = logInAtFakeUpstream(location, "ada").searchParams.get("code") ?? "";
  const answer = { upstream: upstream.id, state, code, error: undefined, issuer: undefined, ...changes };
  return logins.finish(answer, logins.open(state, transaction), work);
}

const keep = async ({ keep, session }: LoggedIn) => {
  keep();
  return session;
};
const noWork = () => expect.unreachable("Nobody has logged in.");

describe("a login that begins", () => {
  it("takes what the upstream is to know there, with a state and a challenge of its own", async () => {
    const logins = start();
    const wishes = { prompt: "login", loginHint: "ada" };
    const [one, other] = [await logins.begin(upstream, "this", wishes), await logins.begin(upstream, "this")];
    const told = Object.fromEntries(one.location.searchParams);
    const redirectUri = "https://mcp.example/fake/callback";
    const codeChallenge = expect.stringMatching(/^[\w-]{43}$/);
    expect(told).toEqual({ ...wishes, state: one.state, codeChallenge, redirectUri });
    expect(one.state).toMatch(/^[\w-]{43}$/);
    const toldOther = Object.fromEntries(other.location.searchParams);
    expect(toldOther).toEqual({ state: other.state, codeChallenge, redirectUri });
    expect(new Set([one.state, other.state, told.codeChallenge, toldOther.codeChallenge]).size).toBe(4);
  });

  it.each([
    [600, 600],
    [1.5, 2],
  ])("of %d seconds is kept by the browser for %d", async (loginLifetimeSeconds, maxAgeSeconds) => {
    const begun = await start({ loginLifetimeSeconds }).begin(upstream, "this");
    expect(begun.maxAgeSeconds).toBe(maxAgeSeconds);
  });

  it("tells the operator once which redirect URI the upstream has to know", async () => {
    const logins = start();
    for (let count = 0; count < 2; count += 1) await logins.begin(upstream, "this");
    const told = lines.filter((line) => line.includes("https://mcp.example/fake/callback"));
    expect(told).toEqual([expect.stringMatching(/^info /)]);
    expect(told[0]).toContain(guideTo("first-login"));
  });

  it.each([
    [new UpstreamRejectedError("invalid_client", "no"), { code: "ERR_OAUTH", error: "server_error" }],
    [new UpstreamUnavailableError("no"), { code: "ERR_UPSTREAM_UNAVAILABLE" }],
  ])("leads nowhere where the upstream cannot be asked: %s", async (failure, expected) => {
    upstream.authorizationUrl = () => Promise.reject(failure);
    await expect(start().begin(upstream, "this")).rejects.toMatchObject(expected);
  });
});

describe("a login that ends", () => {
  it("gives the work who has logged in, where and with which tokens; what the work keeps is not ended", async () => {
    const session = await logIn(keep);
    const { token } = session.tokens;
    expect(session).toEqual({
      tokens: { token, refreshToken: token, expiresAt: clock.seconds(3600) },
      identity: { subject: "ada" },
      issuer: upstream.issuer,
    });
    expect(upstream.revoked).toEqual([]);
  });

  it("ends what nobody keeps, also where the work fails", async () => {
    await logIn(async () => {});
    expect(upstream.revoked).toMatchObject([{ token: "ada-1" }]);
    const failure = new OAuthError("access_denied", "The work refuses.");
    await expect(logIn(() => Promise.reject(failure))).rejects.toBe(failure);
    expect(upstream.revoked).toMatchObject([{ token: "ada-1" }, { token: "ada-2" }]);
  });

  it.each<[string, Partial<CallbackParameters>, Partial<UpstreamCodeExchange>]>([
    ["none", {}, {}],
    ["its own", { issuer: "https://login.fake.example" }, { issuer: "https://login.fake.example" }],
  ])("redeems the code with the issuer that the answer names: %s", async (_, changes, expected) => {
    const exchanges: UpstreamCodeExchange[] = [];
    const exchange = upstream.exchange.bind(upstream);
    upstream.exchange = (given) => {
      exchanges.push(given);
      return exchange(given);
    };
    await logIn(keep, changes);
    const redirectUri = "https://mcp.example/fake/callback";
    const [code, codeVerifier] = [expect.any(String), expect.stringMatching(/^[\w-]{43}$/)];
    const noteTokens = expect.any(Function);
    expect(exchanges).toEqual([{ code, codeVerifier, redirectUri, noteTokens, ...expected }]);
    expect("issuer" in (exchanges[0] ?? {})).toBe("issuer" in expected);
  });

  it("hides from a client why the upstream refuses this server, and tells an operator", async () => {
    const cause = new UpstreamRejectedError("invalid_client", "no");
    upstream.identify = () => Promise.reject(cause);
    await expect(logIn(noWork)).rejects.toMatchObject({ code: "ERR_OAUTH", error: "server_error", cause });
    expect(upstream.revoked).toHaveLength(1);
    upstream.exchange = () => Promise.reject(cause);
    await expect(logIn(noWork)).rejects.toMatchObject({ code: "ERR_OAUTH", error: "server_error", cause });
  });

  it("ends what the upstream had given before the exchange failed", async () => {
    const exchange = upstream.exchange.bind(upstream);
    const failure = new UpstreamUnavailableError("Its keys are out.");
    upstream.exchange = async (given) => {
      given.noteTokens?.(await exchange(given));
      throw failure;
    };
    await expect(logIn(noWork)).rejects.toBe(failure);
    expect(upstream.revoked).toMatchObject([{ token: "ada-1" }]);
  });

  it("ends nothing where the upstream has given nothing", async () => {
    upstream.exchange = () => Promise.reject(new UpstreamUnavailableError("It is out."));
    await expect(logIn(noWork)).rejects.toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
    expect(upstream.revoked).toEqual([]);
  });

  it("says with the cause that the upstream does not know the code", async () => {
    const cause = new UpstreamRejectedError("invalid_grant", "no");
    upstream.exchange = () => Promise.reject(cause);
    const expected = { code: "ERR_UPSTREAM_REJECTED", error: "access_denied", cause };
    await expect(logIn(noWork)).rejects.toMatchObject(expected);
  });

  it.each([
    new OAuthError("access_denied", "no"),
    new OAuthError("invalid_grant", "no"),
    new UpstreamUnavailableError("no"),
    new TypeError("no"),
  ])("passes on any other failure as it is: %s", async (failure) => {
    upstream.identify = () => Promise.reject(failure);
    await expect(logIn(noWork)).rejects.toBe(failure);
    upstream.exchange = () => Promise.reject(failure);
    await expect(logIn(noWork)).rejects.toBe(failure);
  });
});

describe("an answer that is another login's", () => {
  const long = `${`${"a".repeat(60)}.`.repeat(3)}example`;

  async function expectRefusal(login: Promise<unknown>, facts: readonly string[], hidden = "code="): Promise<void> {
    const failure = await login.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "ERR_UPSTREAM_REJECTED", error: "server_error" });
    for (const fact of facts) expect(failure).toMatchObject({ advice: expect.stringContaining(fact) });
    expect(failure).toMatchObject({ advice: expect.not.stringContaining(hidden) });
  }

  it("is that of an upstream which this instance does not have", async () => {
    const { location, state, transaction } = await start().begin(upstream, "this");
    const code = logInAtFakeUpstream(location, "ada").searchParams.get("code") ?? "";
    const others = startAt([new FakeUpstream(clock.read, "other")]);
    const answer = { upstream: "fake", state, code, error: undefined, issuer: undefined };
    await expectRefusal(others.finish(answer, others.open(state, transaction), noWork), ["fake"]);
  });

  it("is one at the callback of another upstream", async () => {
    await expectRefusal(logIn(noWork, { upstream: "other" }), ["Fake Login", "other"]);
  });

  it.each([
    ["https://evil.example/path?code=secret", ["https://evil.example"], "secret"],
    [`https://${long}`, [`https://${long.slice(0, 92)}`], long.slice(0, 93)],
    ["secret", [], "secret"],
    ["", [], "secret"],
  ])("is one in the name of %s, of which the operator reads the origin only", async (issuer, facts, hidden) => {
    await expectRefusal(logIn(noWork, { issuer }), [upstream.issuer, ...facts], hidden);
  });
});

describe("an upstream whose issuer has changed under its id", () => {
  class Tenant extends FakeUpstream {
    override readonly issuer: string;
    constructor(issuer: string) {
      super(clock.read);
      this.issuer = issuer;
    }
  }

  it.each([
    ["https://x.example", "https://y.example", false],
    ["https://x.example", "https://x.example/y", false],
    ["https://x.example", "https://x.example/", true],
    ["https://x.example", "https://x.example", true],
  ])("a login that was begun at %s is gone on with at %s: %j", async (before, after, isTaken) => {
    const { state, transaction } = await startAt([new Tenant(before)]).begin(new Tenant(before), "this");
    const opened = () => startAt([new Tenant(after)]).open(state, transaction);
    if (isTaken) expect(opened()).toMatchObject({ about: "this", issuer: before });
    else expect(opened).toThrow(expect.objectContaining({ code: "ERR_OAUTH", error: "invalid_request" }));
  });

  it("a login that the version before has begun is gone on with", () => {
    const { keys } = configure(
      { baseUrl: "https://mcp.example", scopes: ["user"], secret: serverSecret, upstream },
      {},
    );
    const sealed = new SealedJson(keys.derive("test"), z.unknown());
    const written = { about: "this", upstream: "fake", upstreamVerifier: "v", expiresAt: clock.seconds(600) };
    expect(start().open("state", sealed.seal(written, "state"))).toEqual(written);
  });
});

describe("an answer without a code that counts", () => {
  it.each<[string, Partial<CallbackParameters>, string]>([
    ["an error", { error: "access_denied" }, "access_denied"],
    ["an error that is none", { error: '"' }, "server_error"],
    ["neither code nor error", { code: undefined }, "server_error"],
  ])("is refused, and nothing is redeemed: %s", async (_, changes, error) => {
    upstream.exchange = () => expect.unreachable();
    const code = "ERR_UPSTREAM_REJECTED";
    await expect(logIn(noWork, changes)).rejects.toMatchObject({ code, error, advice: undefined });
  });
});

it("an operator reads what the upstream advises about an error", async () => {
  Object.assign(upstream, { adviceFor: (error: string) => (error === "invalid_scope" ? "Set scopes." : undefined) });
  await expect(logIn(noWork, { error: "invalid_scope" })).rejects.toMatchObject({ advice: "Set scopes." });
  await expect(logIn(noWork, { error: "access_denied" })).rejects.toMatchObject({ advice: undefined });
});

describe("a clock that is off", () => {
  const warnings = () => lines.filter((line) => /seconds (?:ahead|behind)/.test(line));
  const answeringAt = (answeredAt: number | undefined) => {
    const exchange = upstream.exchange.bind(upstream);
    upstream.exchange = async (given): Promise<UpstreamTokens> => ({
      ...(await exchange(given)),
      ...(answeredAt !== undefined && { answeredAt }),
    });
  };

  it.each<[number | undefined, Partial<McpOAuthProviderOptions>, readonly RegExp[]]>([
    [undefined, {}, []],
    [0, {}, []],
    [-30, {}, []],
    [30, {}, []],
    [-30.4, {}, []],
    [-31, {}, [/^warn .*31 seconds ahead of/]],
    [31, {}, [/^warn .*31 seconds behind/]],
    [30.6, {}, [/^warn .*31 seconds behind/]],
    [6, { clockToleranceSeconds: 5 }, [/^warn .*6 seconds behind/]],
  ])("is told of where the upstream answers by %j seconds: %j %j", async (off, options, told) => {
    answeringAt(off === undefined ? undefined : clock.seconds(off));
    const logins = start(options);
    for (let count = 0; count < 2; count += 1) {
      const { tokens } = await logIn(keep, {}, logins);
      expect(tokens).not.toHaveProperty("answeredAt");
    }
    expect(warnings()).toEqual(told.map((words) => expect.stringMatching(words)));
  });

  it("is told of for each upstream", async () => {
    const other = new FakeUpstream(clock.read, "other");
    const logins = startAt([upstream, other]);
    for (const each of [upstream, other]) {
      upstream = each;
      answeringAt(clock.seconds(60));
      await logIn(keep, {}, logins);
    }
    expect(warnings()).toHaveLength(2);
    for (const warning of warnings()) expect(warning).toContain(guideTo("clock"));
  });
});
