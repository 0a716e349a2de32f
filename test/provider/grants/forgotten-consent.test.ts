import { describe, expect, it } from "vitest";
import {
  copyRepositories,
  createInMemoryRepositories,
  McpOAuthProvider,
  type ProviderRepositories,
} from "../../../src/index.ts";
import { OperatorGrants } from "../../../src/provider/grants/operator-grants.ts";
import { consentRevocationOf } from "../../../src/records/consent-revocation.ts";
import { recordKey } from "../../../src/records/keys.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, joinCookies, pkce } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";

const hour = 60 * 60;
const quarter = hour / 4;
const client = {
  client_id: "editor",
  redirect_uris: ["http://127.0.0.1:4999/callback"],
  grant_types: ["authorization_code"],
  token_endpoint_auth_method: "none",
};

/** A server on which Ada has allowed a client in her browser, an hour and a half ago. */
async function start(baseUrl: string, isRedeemed: boolean) {
  const clock = new ManualClock();
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const upstream = new FakeUpstream(clock.read);
  const options = { secret: "a secret of this test, which is long enough", scopes: ["user"], logger: false as const };
  /** The server, with another store. */
  const serverWith = (store: ProviderRepositories) => {
    const settings = { ...options, baseUrl, upstream, clients: [client], clock: clock.read, repositories: store };
    const provider = new McpOAuthProvider(settings);
    return { provider, repositories: store, harness: new ClientHarness(provider, baseUrl.replace(/\/$/, "")) };
  };
  const { harness, provider } = serverWith(repositories);
  const { verifier, challenge } = pkce();
  const asked = { client_id: "editor", code_challenge: challenge };
  const begun = await harness.beginLogin(asked);
  const { location, cookie } = await harness.followCallback(logInAtFakeUpstream(begun.location, "ada"), begun.cookie);
  const code = location.searchParams.get("code") ?? "";
  if (isRedeemed) expect((await harness.redeem({ clientId: "editor", code, verifier })).status).toBe(200);
  return { asked, clock, cookie, harness, provider, repositories, serverWith, upstream };
}

type Started = Awaited<ReturnType<typeof start>>;

/** Whether Ada gets into the client without a question, in the browser that remembers her answer. */
async function isLetIn({ asked, cookie, harness, provider }: Started): Promise<boolean> {
  const begun = await harness.get(harness.authorizePath(asked), { cookie });
  const location = begun.headers.get("location");
  if (location === null) return false;
  const headers = { cookie: joinCookies(cookie, begun) };
  const ended = await provider.fetch(new Request(logInAtFakeUpstream(new URL(location), "ada"), { headers }));
  return ended.headers.get("location")?.includes("code=") === true;
}

const operator = ({ clock, repositories }: Started) =>
  new OperatorGrants(repositories, { clock: clock.read, tell: () => {} });

const forms = [
  "https://mcp.example",
  "https://MCP.example",
  "https://mcp.example:443",
  "https://mcp.example/",
  "https://MCP.example/Prefix/",
];
const left: [string, boolean, number][] = [
  ["a grant", true, 60],
  ["a grant that has ended", true, 2 * hour],
  ["a code", false, 1],
  ["a code that nobody has redeemed in time", false, 2 * hour],
];
const issuer = new FakeUpstream(Date.now).issuer;
const deeds: [string, (started: Started) => Promise<unknown>, boolean][] = [
  ["nothing", async () => {}, true],
  ["an end of another user's grants", ({ provider }) => provider.revokeGrants({ subject: "grace" }), true],
  [
    "an end of the user's grants for another client",
    ({ provider }) => provider.revokeGrants({ subject: "ada", clientId: "another" }),
    true,
  ],
  ["an end of the user's grants", ({ provider }) => provider.revokeGrants({ subject: "ada" }), false],
  [
    "an end of the user's grants, with a slash behind the issuer",
    ({ provider }) => provider.revokeGrants({ subject: "ada", upstreamIssuer: `${issuer}/` }),
    false,
  ],
  [
    "an end of the user's grants for the client",
    ({ provider }) => provider.revokeGrants({ subject: "ada", clientId: "editor" }),
    false,
  ],
  ["an end of all grants", ({ provider }) => provider.revokeGrants({}), false],
  ["an end of all grants for another client", ({ provider }) => provider.revokeGrants({ clientId: "another" }), true],
  ["an end by an operator's tool", (started) => operator(started).revokeAll({ subject: "ada" }), false],
  [
    "an end by an operator's tool for the client",
    (started) => operator(started).revokeAll({ subject: "ada", clientId: "editor" }),
    false,
  ],
  [
    "an end of another user's by an operator's tool",
    (started) => operator(started).revokeAll({ subject: "grace" }),
    true,
  ],
];

describe.each(forms)("consent at %s", (baseUrl) => {
  describe.each(left)("where %s is left", (_, isRedeemed, seconds) => {
    it.each(deeds)("after %s", async (_, deed, stands) => {
      const started = await start(baseUrl, isRedeemed);
      started.clock.advanceSeconds(seconds);
      await deed(started);
      started.clock.advanceSeconds(1);
      expect(await isLetIn(started)).toBe(stands);
    });
  });

  it("is over by the end of one grant, which an operator's tool has ended", async () => {
    const started = await start(baseUrl, true);
    for await (const { grantId } of operator(started).list({})) await operator(started).revoke(grantId);
    expect(await isLetIn(started)).toBe(false);
  });

  it.each([
    ["with its upstream", [issuer]],
    ["without", []],
  ])("is over by a record of an earlier version, %s", async (_, upstream) => {
    const started = await start(baseUrl, true);
    const key = recordKey("consent_revocation", started.provider.resource, "ada", "editor", ...upstream);
    const { id: _id, ...record } = consentRevocationOf(started.clock.seconds(), undefined);
    await started.repositories.consentRevocations.set(key, record);
    expect(await isLetIn(started)).toBe(false);
  });
});

describe("a consent that was revoked, where the store has forgotten that", () => {
  const restored: [string, (backup: ProviderRepositories) => Promise<unknown>][] = [
    ["an older backup was restored", async () => {}],
    [
      "a backup was restored that knows of no login any more",
      async ({ grants }) => {
        for (const [key] of await recordsOf(grants)) await grants.delete(key);
      },
    ],
  ];
  const remedies: [string, (started: Started) => Promise<unknown>, readonly boolean[]][] = [
    ["nobody does anything", async () => {}, [true, true]],
    ["all grants are ended", ({ provider }) => provider.revokeGrants({}), [false, false]],
    // A tool that does not know the server knows it by the grants.
    ["an operator's tool ends all grants", (started) => operator(started).revokeAll({}), [false, true]],
  ];
  const cases = restored.flatMap(([what, lose], index) =>
    remedies.map(([how, remedy, stands]) => [what, how, stands[index], lose, remedy] as const),
  );

  it.each(cases)("since %s, and %s, stands: %j", async (_what, _how, stands, lose, remedy) => {
    const started = await start("https://mcp.example", true);
    const backup = createInMemoryRepositories({ clock: started.clock.read });
    await copyRepositories(started.repositories, backup);
    started.clock.advanceSeconds(quarter);
    await started.provider.revokeGrants({ subject: "ada" });
    await lose(backup);
    const after = { ...started, ...started.serverWith(backup) };
    started.clock.advanceSeconds(quarter);
    await remedy(after);
    started.clock.advanceSeconds(quarter);
    expect(await isLetIn(after)).toBe(stands);
  });
});
