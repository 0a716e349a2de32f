import { beforeEach, describe, expect, it } from "vitest";
import { UpstreamRejectedError, UpstreamUnavailableError } from "../../../src/errors.ts";
import { authorizationResponse, Login } from "../../../src/provider/login/login.ts";
import type { CallbackParameters } from "../../../src/provider/login/upstream-login.ts";
import { checkedRequest as request } from "../../support/authorization-request.ts";
import { configured } from "../../support/configured.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { recordsOf } from "../../support/records-of.ts";
import { upstreamRevocationsOf } from "../../support/upstream-revocations.ts";

let clock: ManualClock;
let upstream: FakeUpstream;
beforeEach(() => {
  clock = new ManualClock();
  upstream = new FakeUpstream(clock.read);
});

function start(secret = "a secret of this test, which is long enough") {
  const configuration = configured({ upstream, secret }, clock);
  const upstreamRevocations = upstreamRevocationsOf(configuration);
  const login = new Login({ ...configuration, upstreamRevocations });
  return { configuration, login };
}

/** A login that has come back from the upstream, with these parameters in place of the usual ones. */
async function comeBack({ login } = start(), changes: Partial<CallbackParameters> = {}, about = request) {
  const { location, state, transaction } = await login.begin(upstream, about, [{ decidedAt: clock.seconds() }]);
  const code = logInAtFakeUpstream(location, "ada").searchParams.get("code") ?? "";
  const answer = { upstream: upstream.id, state, code, error: undefined, issuer: undefined, ...changes };
  return login.complete(answer, transaction);
}

const answerOf = ({ location }: { location: URL | undefined }) => Object.fromEntries(location?.searchParams ?? []);

describe("the answer to a client", () => {
  it("has a code, this server's issuer, and the state that the client sent, if any", async () => {
    const issued = { code: expect.stringMatching(/^pmcp_ac_/), iss: "https://mcp.example" };
    expect(answerOf(await comeBack())).toEqual(issued);
    expect(answerOf(await comeBack(start(), {}, { ...request, state: "mine" }))).toEqual({ ...issued, state: "mine" });
  });

  it.each<[Partial<CallbackParameters>, string]>([
    [{ error: "access_denied" }, "access_denied"],
    [{ error: "x".repeat(64) }, "x".repeat(64)],
    [{ error: "x".repeat(65) }, "server_error"],
    [{ error: 'a"b' }, "server_error"],
    [{ error: "a\\" }, "server_error"],
    [{ error: "\u00e9x" }, "server_error"],
    [{ error: "x\u00e9" }, "server_error"],
    [{ error: "" }, "server_error"],
    [{ code: undefined }, "server_error"],
    [{ issuer: "https://evil.example" }, "server_error"],
    [{ issuer: "https://login.fake.example/other" }, "server_error"],
    [{ issuer: "" }, "server_error"],
    [{ code: JSON.stringify({ user: "ada", login: {} }) }, "access_denied"],
  ])("is an error for a callback with %j", async (changes, error) => {
    const parts = start();
    expect(answerOf(await comeBack(parts, changes))).toMatchObject({ error, iss: "https://mcp.example" });
    expect(await recordsOf(parts.configuration.repositories.authorizationCodes)).toEqual([]);
  });

  it.each(["https://login.fake.example", "https://login.fake.example/", "https://login.fake.example//"])(
    "is a code where the upstream names itself %s",
    async (issuer) => {
      expect(answerOf(await comeBack(start(), { issuer }))).toHaveProperty("code");
    },
  );

  it.each([
    [new UpstreamRejectedError("invalid_grant", "no"), "access_denied"],
    // The client must not read of an error that is not its own.
    [new UpstreamRejectedError("invalid_client", "no"), "server_error"],
    [new UpstreamUnavailableError("no"), "temporarily_unavailable"],
  ])("says what a failure of the upstream's token endpoint means for it: %s", async (failure, error) => {
    upstream.exchange = () => Promise.reject(failure);
    expect(answerOf(await comeBack())).toMatchObject({ error });
  });

  it("ends what the upstream gave where no code comes of it, and tries for as long as a grant could last", async () => {
    const parts = start();
    upstream.identify = () => Promise.reject(new UpstreamUnavailableError("no"));
    expect(answerOf(await comeBack(parts))).toMatchObject({ error: "temporarily_unavailable" });
    expect(upstream.revoked.map(({ token }) => token)).toEqual(["ada-1"]);
    upstream.revoke = () => Promise.reject(new UpstreamUnavailableError("no"));
    await comeBack(parts);
    const [[, kept] = []] = await recordsOf(parts.configuration.repositories.upstreamRevocations);
    expect(kept?.expiresAt).toBe(clock.seconds(90 * 86_400));
  });

  it("is a code for whoever has just allowed it, though the upstream does not say who that is", async () => {
    const parts = start();
    Object.assign(upstream, { identify: async () => ({}) });
    const completed = await comeBack(parts);
    expect(answerOf(completed).code).toMatch(/^pmcp_ac_/);
    expect(completed).not.toHaveProperty("decision");
    const [[, code] = []] = await recordsOf(parts.configuration.repositories.authorizationCodes);
    expect(code).not.toHaveProperty("subject");
  });
});

describe("a login that came back", () => {
  const parameters = (state: string) => ({ upstream: "fake", state, code: "x", error: undefined, issuer: undefined });
  const stale = { code: "ERR_OAUTH", error: "invalid_request" };

  it("is over after ten minutes", async () => {
    const { login } = start();
    const { state, transaction, maxAgeSeconds } = await login.begin(upstream, request, []);
    expect(maxAgeSeconds).toBe(600);
    clock.advanceSeconds(599);
    await expect(login.complete(parameters(state), transaction)).resolves.toMatchObject({ request });
    clock.advanceSeconds(1);
    await expect(login.complete(parameters(state), transaction)).rejects.toMatchObject(stale);
  });

  it("is not one where the browser has not begun it", async () => {
    const { login } = start();
    const { transaction } = await login.begin(upstream, request, []);
    for (const kept of [undefined, transaction, "of somebody's making"]) {
      await expect(login.complete(parameters("another state"), kept)).rejects.toMatchObject(stale);
    }
  });

  it("says which key is missing where another instance has begun it", async () => {
    const { state, transaction } = await start().login.begin(upstream, request, []);
    const other = start("another secret, which is long enough too").login;
    const missing = { code: "ERR_UNSEALABLE", keyId: transaction.split(".")[1] };
    await expect(other.complete(parameters(state), transaction)).rejects.toMatchObject(missing);
  });
});

it.each([
  ["https://app.example/cb", "?code=x&iss=y"],
  ["https://app.example/cb?", "?code=x&iss=y"],
  ["https://app.example/cb?a=1&&b=%7e", "?a=1&b=%7e&code=x&iss=y"],
  ["https://app.example/cb?code=old&a=1&iss=old", "?a=1&code=x&iss=y"],
])("the parameters are added to the query of %s", (redirectUri, search) => {
  expect(authorizationResponse("y", { redirectUri }, { code: "x" }).search).toBe(search);
});
