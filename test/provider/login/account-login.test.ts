import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { OAuthError, UpstreamRejectedError, UpstreamUnavailableError } from "../../../src/errors.ts";
import type { UpstreamIdentity, UpstreamTokens } from "../../../src/index.ts";
import { AccountLogin } from "../../../src/provider/login/account-login.ts";
import { Login } from "../../../src/provider/login/login.ts";
import type { CallbackParameters } from "../../../src/provider/login/upstream-login.ts";
import { SealedJson } from "../../../src/secrets/sealed-json.ts";
import { checkedRequest } from "../../support/authorization-request.ts";
import { configured } from "../../support/configured.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { upstreamRevocationsOf } from "../../support/upstream-revocations.ts";

let clock: ManualClock;
let upstream: FakeUpstream;
beforeEach(() => {
  clock = new ManualClock();
  upstream = new FakeUpstream(clock.read);
});

function start(own: FakeUpstream = upstream) {
  const configuration = configured({ upstream: own }, clock);
  const settings = { ...configuration, upstreamRevocations: upstreamRevocationsOf(configuration) };
  return { login: new AccountLogin(settings), clientLogin: new Login(settings) };
}

/** Comes back from the upstream, where Ada has logged in. */
async function logIn({ login } = start(), changes: Partial<CallbackParameters> = {}) {
  const { location, state, transaction } = await login.begin(upstream);
  const code = logInAtFakeUpstream(location, "ada").searchParams.get("code") ?? "";
  return login.complete(
    { upstream: "fake", state, code, error: undefined, issuer: undefined, ...changes },
    transaction,
  );
}

const identifyAs = (identity: UpstreamIdentity) => Object.assign(upstream, { identify: async () => identity });
const rejectWith = (failure: unknown) => Object.assign(upstream, { exchange: () => Promise.reject(failure) });

describe("who has logged in for the account page", () => {
  it.each<[UpstreamIdentity, string | undefined]>([
    [{ subject: "ada", username: "Ada", email: "ada@example.com" }, "Ada"],
    [{ subject: "ada", email: "ada@example.com" }, "ada@example.com"],
    [{ subject: "ada" }, undefined],
  ])("is whom the upstream names: %j as %j", async (identity, name) => {
    identifyAs(identity);
    const holder = { subject: "ada", upstreamIssuer: upstream.issuer, name, upstreamLogout: undefined };
    expect(await logIn()).toStrictEqual(holder);
    expect(upstream.revoked, "which would end the sessions of clients too").toEqual([]);
  });

  it("is nobody where the upstream does not say who it is", async () => {
    identifyAs({ email: "ada@example.com" });
    await expect(logIn()).rejects.toMatchObject({ code: "ERR_OAUTH", error: "access_denied" });
    expect(upstream.revoked).toEqual([]);
  });

  it("signs out upstream where the upstream says, with the tokens and the way back", async () => {
    const logoutUrl = async ({ token }: UpstreamTokens, returnTo: string) =>
      new URL(`${upstream.issuer}/log-out?${new URLSearchParams({ token, returnTo })}`);
    Object.assign(upstream, { logoutUrl });
    const { upstreamLogout = "" } = await logIn();
    const { origin, searchParams } = new URL(upstreamLogout);
    expect(origin).toBe(upstream.issuer);
    expect(Object.fromEntries(searchParams)).toEqual({ token: "ada-1", returnTo: "https://mcp.example/account" });
  });

  it.each<[string, object, object[]]>([
    ["has no such page", {}, []],
    ["has none for this person", { logoutUrl: async () => undefined }, []],
    [
      "cannot say where it is",
      { logoutUrl: () => Promise.reject(new UpstreamUnavailableError("no")) },
      [{ code: "ERR_UPSTREAM_UNAVAILABLE" }],
    ],
  ])("logs in all the same where the upstream %s, which is told of if it is a failure", async (_, members, outages) => {
    Object.assign(upstream, members);
    const told = heard("outage");
    expect(await logIn()).toMatchObject({ subject: "ada", upstreamLogout: undefined });
    expect(told.stop()).toMatchObject(outages);
  });
});

describe("a login for the account page that fails", () => {
  const refused = new UpstreamRejectedError("invalid_client", "no");

  it.each<[string, unknown, object]>([
    ["who the upstream says may not log in", new OAuthError("access_denied", "no"), { error: "access_denied" }],
    ["another failure of ours", new OAuthError("invalid_request", "no"), { error: "invalid_request" }],
    ["an outage", new UpstreamUnavailableError("no"), { code: "ERR_UPSTREAM_UNAVAILABLE" }],
    [
      "a code that is none",
      new UpstreamRejectedError("invalid_grant", "no"),
      { code: "ERR_OAUTH", error: "access_denied" },
    ],
    [
      "an upstream that refuses this server",
      refused,
      { error: "temporarily_unavailable", retryAfterSeconds: 60, cause: refused },
    ],
  ])("says to the person what it means: %s", async (_, failure, expected) => {
    rejectWith(failure);
    await expect(logIn()).rejects.toMatchObject(expected);
  });

  it("is refused by the person at the upstream, with what the upstream said as the cause", async () => {
    const cause = { code: "ERR_UPSTREAM_REJECTED", error: "login_required" };
    await expect(logIn(start(), { error: "login_required" })).rejects.toMatchObject({
      code: "ERR_OAUTH",
      error: "access_denied",
      cause,
    });
  });

  it("keeps what is at fault where it is an error of its own", async () => {
    const cause = new OAuthError("server_error", "no");
    identifyAs({});
    Object.assign(upstream, { identify: () => Promise.reject(cause) });
    await expect(logIn()).rejects.toMatchObject({ error: "temporarily_unavailable", retryAfterSeconds: 60, cause });
  });

  it.each<[unknown, object]>([
    [refused, { code: "ERR_OAUTH", error: "temporarily_unavailable", retryAfterSeconds: 60, cause: refused }],
    [new UpstreamUnavailableError("no"), { code: "ERR_UPSTREAM_UNAVAILABLE" }],
  ])("fails as it begins where the upstream has to be asked: %s", async (failure, expected) => {
    upstream.authorizationUrl = () => Promise.reject(failure);
    await expect(start().login.begin(upstream)).rejects.toMatchObject(expected);
  });

  it("is refused where this instance has no upstream of that name", async () => {
    const { location, state, transaction } = await start().login.begin(upstream);
    const code = logInAtFakeUpstream(location, "ada").searchParams.get("code") ?? "";
    const other = start(new FakeUpstream(clock.read, "other"));
    const answer = { upstream: "fake", state, code, error: undefined, issuer: undefined };
    await expect(other.login.complete(answer, transaction)).rejects.toMatchObject({ error: "access_denied" });
  });
});

it("a login for the account page is sealed as every version of this server seals it", async () => {
  const { keys } = configured({}, clock);
  const { state, transaction } = await start().login.begin(upstream);
  const sealed = new SealedJson(keys.derive("account login"), z.unknown());
  expect(sealed.open(transaction, state)).toMatchObject({ about: {}, upstream: "fake" });
});

it("a login for a client is none for the account page, and the reverse", async () => {
  const { login, clientLogin } = start();
  const [forClient, forPage] = [await clientLogin.begin(upstream, checkedRequest, []), await login.begin(upstream)];
  const answer = (state: string) => ({ upstream: "fake", state, code: "x", error: undefined, issuer: undefined });
  const stale = { error: "invalid_request" };
  await expect(login.complete(answer(forClient.state), forClient.transaction)).rejects.toMatchObject(stale);
  await expect(clientLogin.complete(answer(forPage.state), forPage.transaction)).rejects.toMatchObject(stale);
});
