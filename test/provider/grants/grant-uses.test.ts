import { expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import {
  createInMemoryRepositories,
  type GrantSummary,
  type GrantUseOptions,
  McpOAuthProvider,
} from "../../../src/index.ts";
import { GrantUses } from "../../../src/provider/grants/grant-uses.ts";
import { grantUseKey } from "../../../src/records/keys.ts";
import { configured } from "../../support/configured.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { ClientHarness, pkce } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";

const baseUrl = "https://mcp.example.org";

/** A login, and everything that reaches the store of the uses of its grant. */
async function scene(grantUse?: GrantUseOptions) {
  const clock = new ManualClock();
  const inner = createInMemoryRepositories({ clock: clock.read });
  const calls: string[] = [];
  const store = { isOut: false };
  const grantUses = intercepted(inner.grantUses, async (run, { method }) => {
    calls.push(method);
    if (store.isOut) throw new StorageUnavailableError("The test switched the store off.", { effect: "none" });
    return run();
  });
  const open = () =>
    new McpOAuthProvider({
      baseUrl,
      scopes: ["user"],
      upstream: new FakeUpstream(clock.read),
      secret: "a secret that is long enough for a test",
      repositories: { ...inner, grantUses },
      clock: clock.read,
      logger: false,
      ...(grantUse !== undefined && { grantUse }),
    });
  const harness = new ClientHarness(open(), baseUrl);
  const { client_id } = await harness.register();
  const { verifier, challenge } = pkce();
  const { location, cookie } = await harness.beginLogin({ client_id, code_challenge: challenge, scope: "user" });
  const redirect = await harness.finishLogin(logInAtFakeUpstream(location, "ada"), cookie);
  const code = redirect.searchParams.get("code") ?? "";
  const { access_token } = await jsonOf(
    await harness.postForm("/token", {
      grant_type: "authorization_code",
      client_id,
      code,
      code_verifier: verifier,
      redirect_uri: harness.redirectUri,
    }),
  );
  const headers = new Headers({ authorization: `Bearer ${access_token}` });
  return {
    clock,
    calls,
    store,
    open,
    provider: harness.provider,
    token: String(access_token),
    /** Sends a request to the MCP endpoint, and waits until what is beside it is done. */
    use: async (provider = harness.provider, caller?: string | (() => string | undefined)) => {
      const answer = await provider.authenticate({ headers }, { caller });
      await provider[Symbol.asyncDispose]();
      return answer instanceof Response ? answer.status : 200;
    },
    grant: async (): Promise<GrantSummary | undefined> => {
      for await (const grant of harness.provider.listGrants({ subject: "ada" })) return grant;
      return undefined;
    },
  };
}

it("says when it was last used, and is written once an hour at most", async () => {
  const { clock, calls, use, grant, provider, token } = await scene();
  expect((await grant())?.lastUsedAt).toBeUndefined();
  calls.length = 0;
  const first = clock.seconds();
  for (let request = 0; request < 5; request += 1) expect(await use()).toBe(200);
  await provider.verifyAccessToken(token);
  expect(calls).toEqual(["get", "set"]);
  clock.advanceSeconds(3_599);
  await use();
  expect(calls).toEqual(["get", "set"]);
  expect(await grant()).toMatchObject({ lastUsedAt: first, lastUsedFrom: undefined });
});

it("is written again after the hour, whichever instance is asked, and once for all of them", async () => {
  const { clock, calls, use, grant, open } = await scene({ network: true });
  const other = open();
  await use();
  await use(other);
  expect(calls.filter((method) => method === "set")).toHaveLength(1);
  clock.advanceSeconds(1_800);
  await use(other);
  clock.advanceSeconds(1_799);
  await use(other);
  expect(calls.filter((method) => method === "set")).toHaveLength(1);
  clock.advanceSeconds(2);
  // The token has expired by now, so only what was noted before counts.
  expect(await use(other)).toBe(401);
  expect(calls.filter((method) => method === "set")).toHaveLength(1);
  expect((await grant())?.lastUsedFrom).toBeUndefined();
});

it.each([
  ["203.0.113.77", "203.0.113.0/24"],
  ["[2001:db8:abcd:12::1]:443", "2001:db8:abcd::/48"],
  ["::ffff:198.51.100.9", "198.51.100.0/24"],
  ["somebody", undefined],
])("knows the network of %s as %s, where that is asked for", async (caller, network) => {
  const asked = await scene({ network: true });
  await asked.use(asked.provider, caller);
  expect((await asked.grant())?.lastUsedFrom).toBe(network);
  const unasked = await scene();
  await unasked.use(unasked.provider, caller);
  expect(await unasked.grant()).toMatchObject({ lastUsedAt: unasked.clock.seconds(), lastUsedFrom: undefined });
});

it("asks who the caller is when a network is to be written down, and never else", async () => {
  let asked = 0;
  const caller = (): string => {
    asked += 1;
    return "203.0.113.77";
  };
  const plain = await scene();
  await plain.use(plain.provider, caller);
  expect(asked).toBe(0);
  const { use, grant, provider } = await scene({ network: true });
  for (let request = 0; request < 3; request += 1) await use(provider, caller);
  expect(asked).toBe(1);
  expect((await grant())?.lastUsedFrom).toBe("203.0.113.0/24");
});

it("a caller that cannot be found out fails no request", async () => {
  const { use, grant, provider } = await scene({ network: true });
  const caller = (): string => {
    throw new Error("The header is not there.");
  };
  expect(await use(provider, caller)).toBe(200);
  expect((await grant())?.lastUsedAt).toBeUndefined();
});

it("is not written where that is switched off", async () => {
  const { calls, use, grant } = await scene({ recorded: false, network: true });
  expect(await use()).toBe(200);
  expect(calls).toEqual([]);
  expect((await grant())?.lastUsedAt).toBeUndefined();
});

it("a store that does not take it fails no request, is told of, and is tried again after a minute", async () => {
  const { clock, calls, store, use, grant } = await scene();
  store.isOut = true;
  const outages = heard("outage");
  for (let request = 0; request < 3; request += 1) expect(await use()).toBe(200);
  expect(calls).toEqual(["get"]);
  expect(outages.stop()).toMatchObject([{ code: "ERR_STORAGE_UNAVAILABLE" }]);
  store.isOut = false;
  clock.advanceSeconds(60);
  await use();
  expect((await grant())?.lastUsedAt).toBe(clock.seconds());
});

it("is no reason to hide a grant where it cannot be read, and closing waits for what is being written", async () => {
  const { provider, use, calls } = await scene();
  await use();
  await provider[Symbol.asyncDispose]();
  expect(calls).toEqual(["get", "set"]);
});

/** The uses of grants by themselves, as instances over one store see them. */
function instances() {
  const clock = new ManualClock();
  const inner = createInMemoryRepositories({ clock: clock.read });
  const calls: string[] = [];
  const grantUses = intercepted(inner.grantUses, (run, { method }) => {
    calls.push(method);
    return run();
  });
  const configuration = configured({ repositories: { ...inner, grantUses }, grantUse: { network: true } }, clock);
  /** Notes a use, and says what was asked of the store for it. */
  const note = async (
    uses: GrantUses,
    [grantId, caller]: readonly [unknown, string?] = ["grant"],
  ): Promise<readonly string[]> => {
    uses.note(grantId, caller);
    await uses[Symbol.asyncDispose]();
    return calls.splice(0);
  };
  return { clock, note, stored: () => recordsOf(inner.grantUses), open: () => new GrantUses(configuration) };
}

it("is written by whichever instance comes first once the hour is over, to the second", async () => {
  const { clock, note, open, stored } = instances();
  const [one, other] = [open(), open()];
  expect(await note(one)).toEqual(["get", "set"]);
  clock.advanceSeconds(3_599);
  expect(await note(other)).toEqual(["get"]);
  expect(await note(other)).toEqual([]);
  clock.advanceSeconds(1);
  expect(await note(other)).toEqual(["get", "set"]);
  expect(await note(one)).toEqual(["get"]);
  expect(await stored()).toStrictEqual([
    [grantUseKey("grant"), { usedAt: clock.seconds(), expiresAt: clock.seconds(90 * 86_400) }],
  ]);
});

it("is looked at once more where a clock was set back, and then left alone", async () => {
  const { clock, note, open } = instances();
  const uses = open();
  expect(await note(uses)).toEqual(["get", "set"]);
  clock.advanceSeconds(-7_200);
  expect(await note(uses)).toEqual(["get"]);
  expect(await note(uses)).toEqual([]);
});

it.each([undefined, null, 5])("is nothing that could be written of %j, which is no id of a grant", async (grantId) => {
  const { note, open } = instances();
  expect(await note(open(), [grantId])).toEqual([]);
});

it("has no network where the caller has no address", async () => {
  const { clock, note, open, stored } = instances();
  await note(open(), ["grant", "somebody"]);
  expect(await stored()).toStrictEqual([
    [grantUseKey("grant"), { usedAt: clock.seconds(), expiresAt: clock.seconds(90 * 86_400) }],
  ]);
});
