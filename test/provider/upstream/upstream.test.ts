import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  ConfigurationError,
  createInMemoryRepositories,
  McpOAuthProvider,
  type McpOAuthProviderOptions,
  OAuthError,
  UpstreamRejectedError,
  UpstreamUnavailableError,
} from "../../../src/index.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, type IssuedTokens, pkce } from "../../support/provider-harness.ts";

const baseUrl = "https://mcp.example";
let clock: ManualClock;
let upstream: FakeUpstream;
beforeEach(() => {
  clock = new ManualClock();
  upstream = new FakeUpstream(clock.read);
});

const options = (changes: Partial<McpOAuthProviderOptions> = {}): McpOAuthProviderOptions => ({
  baseUrl,
  scopes: ["user"],
  upstream,
  secret: "a secret of this test, which is long enough",
  clock: clock.read,
  accessTokenLifetimeSeconds: 24 * 3600,
  ...changes,
});
const start = (changes: Partial<McpOAuthProviderOptions> = {}) =>
  new ClientHarness(new McpOAuthProvider(options(changes)), baseUrl);

/** A login up to the answer that the client gets. */
async function answerFor(harness: ClientHarness<McpOAuthProvider>, user = "ada", changes: Record<string, string> = {}) {
  const { client_id: clientId } = await harness.register();
  const { verifier, challenge } = pkce();
  const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  const callback = logInAtFakeUpstream(location, user);
  for (const [name, value] of Object.entries(changes)) callback.searchParams.set(name, value);
  const answer = await harness.finishLogin(callback, cookie);
  return { clientId, verifier, answer, location, callback };
}

async function logIn(harness: ClientHarness<McpOAuthProvider>, user?: string): Promise<IssuedTokens> {
  const { clientId, verifier, answer } = await answerFor(harness, user);
  const issued = { clientId, verifier, code: answer.searchParams.get("code") ?? "" };
  return { ...issued, ...(await jsonOf(await harness.redeem(issued))) };
}

describe("an upstream that has what the contract asks for, and no more", () => {
  it("logs a user in, by a callback of its own", async () => {
    const harness = start();
    const { location, callback, answer } = await answerFor(harness);
    expect(location.origin).toBe(upstream.issuer);
    expect(callback.origin + callback.pathname).toBe(`${baseUrl}/fake/callback`);
    expect(harness.provider.serves("/fake/callback")).toBe(true);
    expect(harness.provider.serves("/pangea/callback")).toBe(false);
    expect(answer.searchParams.get("iss")).toBe(baseUrl);
    expect(answer.searchParams.has("code")).toBe(true);
  });

  it("gives each user's token and identity to the requests of that user", async () => {
    const harness = start();
    const [ada, bob] = [await logIn(harness, "ada"), await logIn(harness, "bob")];
    const authInfo = await harness.provider.verifyAccessToken(ada.access_token);
    expect(authInfo.extra).toMatchObject({ subject: "ada" });
    expect(await harness.provider.upstreamToken(authInfo)).toMatchObject({ token: "ada-1", subject: "ada" });
    expect(await harness.provider.upstreamToken({ token: bob.access_token })).toMatchObject({ token: "bob-2" });
  });

  it("refreshes its own tokens when they are due, whichever token of ours opens them", async () => {
    const harness = start();
    const issued = await logIn(harness);
    const refreshed = await jsonOf(await harness.refresh(issued));
    clock.advanceSeconds(3600);
    expect(await harness.provider.upstreamToken({ token: refreshed.access_token })).toMatchObject({ token: "ada-2" });
    expect(await harness.provider.upstreamToken({ token: issued.access_token })).toMatchObject({ token: "ada-2" });
  });

  it("is told to revoke its tokens when the grant ends", async () => {
    const harness = start();
    const { clientId, refresh_token: token, access_token } = await logIn(harness);
    expect((await harness.postForm("/revoke", { client_id: clientId, token })).status).toBe(200);
    expect(upstream.revoked).toEqual([expect.objectContaining({ token: "ada-1", refreshToken: "ada-1" })]);
    expect(await harness.mcpStatus(access_token)).toBe(401);
  });

  it("may say of what it does not tell that it is undefined", async () => {
    const identified = { subject: "ada", username: undefined, email: undefined };
    Object.assign(upstream, { identify: async () => identified });
    const harness = start();
    const { access_token: token } = await logIn(harness);
    expect(await harness.provider.upstreamToken({ token })).toEqual(
      expect.objectContaining({ token: "ada-1", subject: "ada" }),
    );
  });

  it("is not asked again for a new token that it names no end of", async () => {
    const harness = start();
    const { access_token: token } = await logIn(harness);
    let refreshes = 0;
    upstream.refresh = async () => {
      refreshes += 1;
      return { token: "ada-new", refreshToken: "ada-new" };
    };
    clock.advanceSeconds(3600);
    for (let call = 0; call < 3; call += 1) {
      const user = await harness.provider.upstreamToken({ token });
      expect(user.token).toBe("ada-new");
      expect(user).not.toHaveProperty("expiresAt");
    }
    expect(refreshes).toBe(1);
  });

  it("may take its time to say where to log in", async () => {
    const immediate = upstream.authorizationUrl.bind(upstream);
    upstream.authorizationUrl = async (login) => immediate(login);
    expect((await answerFor(start())).answer.searchParams.has("code")).toBe(true);
  });
});

describe("what an upstream throws", () => {
  const failing = (method: "exchange" | "identify", failure: Error) => {
    Object.assign(upstream, { [method]: () => Promise.reject(failure) });
    return answerFor(start());
  };

  it.each<[string, "exchange" | "identify", Error, string]>([
    ["a refusal of the code", "exchange", new UpstreamRejectedError("invalid_grant", "no"), "access_denied"],
    ["a refusal of this server", "exchange", new UpstreamRejectedError("invalid_client", "no"), "server_error"],
    ["an outage", "exchange", new UpstreamUnavailableError("out"), "temporarily_unavailable"],
    ["an outage", "identify", new UpstreamUnavailableError("out"), "temporarily_unavailable"],
    ["a refusal of the user", "identify", new OAuthError("access_denied", "Not you."), "access_denied"],
  ])("as %s of %s reaches the client in its own terms", async (_, method, failure, error) => {
    const { answer } = await failing(method, failure);
    expect(answer.searchParams.get("error")).toBe(error);
    expect(answer.searchParams.has("code")).toBe(false);
  });

  it("as an OAuthError reaches the client with the words that the upstream chose", async () => {
    const { answer } = await failing("identify", new OAuthError("access_denied", "Not you."));
    expect(answer.searchParams.get("error_description")).toBe("Not you.");
  });

  it.each(["", "  ", 7, null])("a subject that is %j logs nobody in", async (subject) => {
    Object.assign(upstream, { identify: async () => ({ subject }) });
    expect((await answerFor(start())).answer.searchParams.get("error")).toBe("server_error");
  });

  it("when it does not say where to log in goes to the client, before anything began", async () => {
    upstream.authorizationUrl = () => Promise.reject(new UpstreamUnavailableError("out"));
    const harness = start();
    const { client_id } = await harness.register();
    const { location } = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
    expect(location.searchParams.get("error")).toBe("temporarily_unavailable");
  });
});

it.each([
  ["another issuer", "https://evil.example", "server_error"],
  ["its own issuer with a slash", "https://login.fake.example/", null],
])("a callback from %s is told apart by its iss", async (_, iss, error) => {
  expect((await answerFor(start(), "ada", { iss })).answer.searchParams.get("error")).toBe(error);
});

describe("what a provider is not made from", () => {
  it.each<[string, Partial<Record<keyof McpOAuthProviderOptions, unknown>>, string]>([
    ["no upstream", { upstream: undefined }, "upstream"],
    ["an upstream whose id is no part of a path", { upstream: { id: "Fake/.." } }, "upstream.id"],
    ["an upstream without an issuer", { upstream: { id: "fake", name: "Fake" } }, "upstream.issuer"],
    [
      "an upstream without its methods",
      { upstream: { id: "fake", name: "Fake", issuer: "https://a.example", timeout: 1 } },
      "upstream.authorizationUrl",
    ],
    ["no secret, where the upstream has none", { secret: undefined }, "secret"],
    ["no base URL", { baseUrl: undefined }, "baseUrl"],
    ["no scopes", { scopes: undefined }, "scopes"],
    ["a path that is the upstream's", { path: "/fake/callback" }, "path"],
  ])("such as %s is named", (_, changes, option) => {
    const construct = () => new McpOAuthProvider({ ...options(), ...changes } as McpOAuthProviderOptions);
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(new RegExp(`^${option}\\b`));
  });
});

it("keys that follow from the upstream are the same on every instance", async () => {
  const keyed = Object.assign(new FakeUpstream(clock.read), { keyMaterial: "known to every instance and nobody else" });
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const instance = () =>
    new ClientHarness(
      new McpOAuthProvider({ baseUrl, scopes: ["user"], upstream: keyed, repositories, clock: clock.read }),
      baseUrl,
    );
  const { access_token: token } = await logIn(instance());
  expect(await instance().provider.upstreamToken({ token })).toMatchObject({ subject: "ada" });
});

describe("an upstream that never settles a call", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  /** What the work leads to once nobody waits for the upstream any more. */
  async function outcomeOf<T>(method: "exchange" | "identify" | "refresh" | "revoke", work: () => Promise<T>) {
    const hung = vi.spyOn(upstream, method).mockReturnValue(new Promise<never>(() => undefined));
    const outcome = work();
    await vi.waitUntil(() => hung.mock.calls.length > 0);
    await vi.advanceTimersByTimeAsync(upstream.timeout + 1000);
    return outcome;
  }

  it.each(["exchange", "identify"] as const)("%s: the client is told to come back", async (method) => {
    const { answer } = await outcomeOf(method, () => answerFor(start()));
    expect(answer.searchParams.get("error")).toBe("temporarily_unavailable");
  });

  it("refresh: the request for the upstream's token fails, and the login goes on", async () => {
    const harness = start();
    const { access_token: token } = await logIn(harness);
    clock.advanceSeconds(3600);
    const failure = outcomeOf("refresh", () => harness.provider.upstreamToken({ token }).catch((error) => error));
    expect(await failure).toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
    expect(await harness.mcpStatus(token)).toBe(200);
  });

  it("revoke: the grant is over all the same", async () => {
    const harness = start();
    const { clientId, access_token, refresh_token: token } = await logIn(harness);
    const answer = await outcomeOf("revoke", () => harness.postForm("/revoke", { client_id: clientId, token }));
    expect(answer.status).toBe(200);
    expect(await harness.mcpStatus(access_token)).toBe(401);
  });
});
