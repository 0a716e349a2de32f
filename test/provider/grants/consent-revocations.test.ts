import { hash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, McpOAuthProvider, StorageUnavailableError } from "../../../src/index.ts";
import {
  revokeConsent,
  revokeConsentOfEverybody,
  revokedConsent,
  revokeEveryConsent,
} from "../../../src/provider/grants/consent-revocations.ts";
import { recordKey } from "../../../src/records/keys.ts";
import type { ProviderRepositories } from "../../../src/records/repositories.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { type Interception, intercepted } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, type IssuedTokens, pkce } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";

const baseUrl = "https://mcp.example";
const day = 24 * 60 * 60;
let clock: ManualClock;
let inMemory: ProviderRepositories;
let repositories: ProviderRepositories;
let harness: ClientHarness<McpOAuthProvider>;
let calls: string[];
let refused: string | undefined;
beforeEach(() => {
  clock = new ManualClock();
  calls = [];
  refused = undefined;
  inMemory = createInMemoryRepositories({ clock: clock.read });
  repositories = {
    ...inMemory,
    consentRevocations: intercepted(inMemory.consentRevocations, watch("consent")),
    grants: intercepted(inMemory.grants, watch("grant")),
  };
  const options = {
    secret: "a secret of this test, which is long enough",
    scopes: ["user"],
    consent: { rememberSeconds: 10 * day },
  };
  harness = new ClientHarness(
    new McpOAuthProvider({
      ...options,
      baseUrl,
      upstream: new FakeUpstream(clock.read),
      clock: clock.read,
      repositories,
    }),
    baseUrl,
  );
});

/** Says what is asked of a repository, and refuses what the test says. */
function watch(name: string): Interception<unknown> {
  return async (run, { method }) => {
    const call = `${method} ${name}`;
    calls.push(call);
    if (call === refused) throw new StorageUnavailableError("The test refuses.");
    return run();
  };
}

async function logIn(user = "ada"): Promise<IssuedTokens> {
  const { client_id: clientId } = await harness.register();
  const { verifier, challenge } = pkce();
  const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  const answer = await harness.finishLogin(logInAtFakeUpstream(location, user), cookie);
  const issued = { clientId, verifier, code: answer.searchParams.get("code") ?? "" };
  return { ...issued, ...(await jsonOf(await harness.redeem(issued))) };
}
const revoke = ({ clientId, refresh_token: token }: IssuedTokens) =>
  harness.postForm("/revoke", { client_id: clientId, token });
const consentCalls = () => calls.filter((call) => call.endsWith(" consent"));

describe("the consent behind a grant", () => {
  it("costs reads of one turn in the callback, and one write when it ends", async () => {
    // Of the client with the upstream and without, of every client, of every client at every server, of everybody.
    const reads = Array<string>(5).fill("get consent");
    const tokens = await logIn();
    expect(consentCalls()).toEqual(reads);
    await harness.refresh(tokens);
    expect(consentCalls()).toEqual(reads);
    await revoke(tokens);
    expect(consentCalls()).toEqual([...reads, "set consent"]);
    // What is over is not ended again.
    await revoke(tokens);
    expect(consentCalls()).toEqual([...reads, "set consent"]);
  });

  it("is ended under a key of the server, the person and the client, for as long as a browser can remember it", async () => {
    const tokens = await logIn();
    await revoke(tokens);
    const now = clock.read() / 1000;
    const { issuer } = new FakeUpstream(clock.read);
    const revocationOf = (...who: string[]) => recordKey("consent_revocation", harness.provider.resource, ...who);
    const record = await repositories.consentRevocations.get(revocationOf("ada", tokens.clientId, issuer));
    const [id, revokedBy] = [expect.any(String), expect.any(String)];
    expect(record).toEqual({ revokedAt: now, expiresAt: now + 401 * day, id, revokedBy });
    expect(await repositories.consentRevocations.get(revocationOf("grace", tokens.clientId, issuer))).toBeUndefined();
    clock.advanceSeconds(401 * day);
    expect(await repositories.consentRevocations.get(revocationOf("ada", tokens.clientId, issuer))).toBeUndefined();
  });

  it("is ended before the grant, so that whoever is told of a failure can end both by trying again", async () => {
    const tokens = await logIn();
    calls = [];
    refused = "set consent";
    expect((await revoke(tokens)).status).toBe(503);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    refused = undefined;
    expect((await revoke(tokens)).status).toBe(200);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    expect(calls.filter((call) => call.startsWith("set "))).toEqual(["set consent", "set consent", "set grant"]);
  });

  it("counts as unknown while the store does not answer: the client is told to come back, and gets no code", async () => {
    const { client_id } = await harness.register();
    const { location, cookie } = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
    refused = "get consent";
    const answer = await harness.finishLogin(logInAtFakeUpstream(location, "ada"), cookie);
    expect(answer.searchParams.get("error")).toBe("temporarily_unavailable");
    expect(answer.searchParams.get("code")).toBeNull();
  });
});

describe("the end of a consent", () => {
  const upstreamIssuer = "https://login.red.example";
  const [ada, grace] = [
    { subject: "ada", upstreamIssuer },
    { subject: "grace", upstreamIssuer },
  ];
  const parts = () => ({ now: () => clock.seconds(), repositories, resource: "https://mcp.example/mcp" });

  it("is the latest one, whether or not its record names an upstream, and there is none before", async () => {
    expect(await revokedConsent(parts(), ada, "app")).toBeUndefined();
    const marks = new Set<string | undefined>();
    const unnamed = { subject: "ada", upstreamIssuer: undefined };
    for (const user of [ada, unnamed, ada]) {
      clock.advanceSeconds(5);
      await revokeConsent(parts(), user, "app");
      const revoked = await revokedConsent(parts(), ada, "app");
      expect(revoked?.revokedAt).toBe(clock.seconds());
      expect(await revokedConsent(parts(), ada, "app"), "whoever reads it").toEqual(revoked);
      marks.add(revoked?.mark);
    }
    expect(marks.size, "each has a name of its own").toBe(3);
  });

  it("that names no upstream is of whoever has the subject, at any of them, and of nobody else", async () => {
    await revokeConsent(parts(), { subject: "ada", upstreamIssuer: undefined }, "app");
    const revokedAt = clock.seconds();
    for (const issuer of [upstreamIssuer, "https://login.blue.example"]) {
      expect(await revokedConsent(parts(), { ...ada, upstreamIssuer: issuer }, "app")).toMatchObject({ revokedAt });
    }
    expect(await revokedConsent(parts(), grace, "app")).toBeUndefined();
    expect(await revokedConsent(parts(), ada, "other")).toBeUndefined();
    expect(await revokedConsent({ ...parts(), resource: "https://mcp.example/other" }, ada, "app")).toBeUndefined();
  });

  const keys = async () => (await recordsOf(inMemory.consentRevocations)).map(([key]) => key);
  const key = (...parts: string[]) => recordKey("consent_revocation", ...parts);

  it("is kept where every version looks for it", async () => {
    const [here, nowhere] = ["https://mcp.example/mcp", undefined];
    const unnamed = { subject: "ada", upstreamIssuer: undefined };
    for (const [end, expected] of [
      [() => revokeConsent(parts(), ada, "app"), key(here, "ada", "app", upstreamIssuer)],
      [() => revokeConsent(parts(), unnamed, "app"), key(here, "ada", "app")],
      [() => revokeEveryConsent(parts(), ada), key("", here, upstreamIssuer, "ada", "every client")],
      [
        () => revokeEveryConsent({ ...parts(), resource: nowhere }, ada),
        key("every server", "", "", "ada", "every client"),
      ],
    ] as const) {
      await end();
      expect(await keys()).toEqual([expected]);
      expect(await revokedConsent(parts(), ada, "app")).toMatchObject({ revokedAt: clock.seconds() });
      expect(await revokedConsent(parts(), grace, "app")).toBeUndefined();
      await repositories.consentRevocations.delete(expected);
    }
  });

  it("is that of everybody, with every client and upstream of one server, however the options write it", async () => {
    const here = "https://mcp.example/mcp";
    await revokeConsentOfEverybody({ ...parts(), resource: "HTTPS://MCP.example:443/mcp/" });
    expect(await keys()).toEqual([key("", here, "", "", "every client", "everybody")]);
    for (const user of [ada, grace, { ...ada, upstreamIssuer: "https://login.blue.example" }]) {
      for (const client of ["app", "other"]) {
        expect(await revokedConsent(parts(), user, client)).toMatchObject({ revokedAt: clock.seconds() });
      }
    }
    expect(await revokedConsent({ ...parts(), resource: "https://mcp.example/other" }, ada, "app")).toBeUndefined();
  });

  it("is found however the options write the server and the upstream", async () => {
    const written = { ...parts(), resource: "HTTPS://MCP.example:443/mcp/" };
    const slash = { ...ada, upstreamIssuer: `${upstreamIssuer}/` };
    await revokeConsent(written, slash, "app");
    expect(await keys()).toEqual([key("https://mcp.example/mcp", "ada", "app", upstreamIssuer)]);
    for (const each of [parts(), written]) {
      for (const user of [ada, slash]) expect(await revokedConsent(each, user, "app")).toBeDefined();
    }
    // What is no URL is taken as it is.
    await revokeConsent({ ...parts(), resource: "mcp/" }, ada, "app");
    expect(await keys()).toContain(key("mcp", "ada", "app", upstreamIssuer));
  });

  it("is found by the keys of earlier versions, which have the server and the upstream as the options have them", async () => {
    const written = { ...parts(), resource: "https://MCP.example/mcp/" };
    const slash = { ...ada, upstreamIssuer: `${upstreamIssuer}/` };
    for (const issuer of [[slash.upstreamIssuer], []]) {
      const earlier = key(written.resource, "ada", "app", ...issuer);
      await repositories.consentRevocations.set(earlier, { revokedAt: 5, expiresAt: clock.seconds(9) });
      const mark = hash("sha256", JSON.stringify([[earlier, 5, ""]]), "base64url").slice(0, 16);
      const found = { revokedAt: 5, revokedBy: undefined, mark };
      expect(await revokedConsent(written, slash, "app")).toEqual(found);
      await repositories.consentRevocations.delete(earlier);
    }
  });

  it("is the latest of several, by an instance where one did them all", async () => {
    const unnamed = { subject: "ada", upstreamIssuer: undefined };
    for (const [first, second, by] of [
      ["one", "one", "one"],
      ["one", "two", undefined],
      ["one", undefined, undefined],
    ] as const) {
      clock.advanceSeconds(5);
      await revokeConsent({ ...parts(), instance: first }, ada, "app");
      const revokedAt = clock.seconds();
      clock.advanceSeconds(-1);
      await revokeConsent({ ...parts(), ...(second !== undefined && { instance: second }) }, unnamed, "app");
      const found = await revokedConsent(parts(), ada, "app");
      expect(found).toMatchObject({ revokedAt, revokedBy: by });
    }
  });
});
