import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createRepositories, type McpOAuthProviderOptions, type ProviderRepositories } from "../../../src/index.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { startServer } from "../../support/fake-upstream-server.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { pkce } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";

const issuedSchema = z.object({
  clientId: z.string(),
  cookie: z.string(),
  access_token: z.string(),
  refresh_token: z.string(),
});

/**
 * What a server with Pangea AuthN as its only upstream had stored, and what its clients and browsers had, before records named
 * an upstream: written by the code of then. One login is alive; another was revoked while the upstream was out.
 */
const before = z
  .object({
    time: z.number(),
    alive: issuedSchema,
    revoked: issuedSchema,
    records: z.record(z.string(), z.record(z.string(), z.unknown())),
  })
  .parse(JSON.parse(readFileSync(new URL("records-of-one-upstream.json", import.meta.url), "utf8")));

let clock: ManualClock;
let pangea: FakeUpstream;
let other: FakeUpstream;
let repositories: ProviderRepositories;
beforeEach(async () => {
  clock = new ManualClock(before.time);
  pangea = new FakeUpstream(clock.read, "pangea");
  other = new FakeUpstream(clock.read, "other");
  const writes: Promise<void>[] = [];
  repositories = createRepositories((schema, kind) => {
    const repository = new InMemoryRepository<string, z.output<typeof schema>>({ clock: clock.read });
    for (const [key, stored] of Object.entries(before.records[kind] ?? {})) {
      writes.push(repository.set(key, schema.parse(stored)));
    }
    return repository;
  });
  await Promise.all(writes);
});

const start = (options: Partial<McpOAuthProviderOptions>) =>
  startServer({ repositories, clock: clock.read, logger: false, ...options });

describe("what was kept before records named an upstream", () => {
  const configurations: Readonly<Record<string, () => Partial<McpOAuthProviderOptions>>> = {
    "the one upstream": () => ({ upstream: pangea }),
    "Pangea AuthN beside another one": () => ({ upstreams: [other, pangea], formerIssuer: pangea.issuer }),
    "Pangea AuthN before another one": () => ({ upstreams: [pangea, other], formerIssuer: `${pangea.issuer}/` }),
  };
  for (const [name, options] of Object.entries(configurations)) {
    it(`is of Pangea AuthN, and goes on: with ${name}`, async () => {
      const harness = start(options());
      const authInfo = await harness.provider.verifyAccessToken(before.alive.access_token);
      expect(authInfo.extra).toMatchObject({ subject: "ada", upstreamIssuer: pangea.issuer });
      expect(await harness.provider.upstreamToken(authInfo)).toMatchObject({ upstream: "pangea", token: "ada-1" });
      expect(await jsonOf(await harness.refresh(before.alive))).toHaveProperty("access_token");
      const listed = [];
      for await (const grant of harness.provider.listGrants({ upstreamIssuer: pangea.issuer })) listed.push(grant);
      expect(listed).toMatchObject([{ subject: "ada", upstreamIssuer: pangea.issuer }]);
    });

    it(`remembers what was allowed, and what was taken back: with ${name}`, async () => {
      const harness = start(options());
      const comeBack = async ({ clientId, cookie }: z.output<typeof issuedSchema>) => {
        const path = harness.authorizePath({ client_id: clientId, code_challenge: pkce().challenge });
        const begun = await harness.get(path, { cookie });
        const kept = begun.headers.getSetCookie().map((line) => line.split(";")[0]);
        const location = new URL(begun.headers.get("location") ?? "");
        expect(location.host).toBe("login.pangea.example");
        const cookies = [cookie, ...kept].join("; ");
        const callback = logInAtFakeUpstream(location, "ada");
        return (await harness.provider.fetch(new Request(callback, { headers: { cookie: cookies } }))).status;
      };
      expect(await comeBack(before.alive), "goes to the client").toBe(302);
      expect(await comeBack(before.revoked), "is asked again").toBe(200);
    });

    it(`tells Pangea AuthN what it was not told: with ${name}`, async () => {
      expect(await start(options()).provider.retryUpstreamRevocations()).toBe(1);
      expect(pangea.revoked.map(({ token }) => token)).toEqual(["ada-2"]);
      expect(other.revoked).toEqual([]);
      expect(await recordsOf(repositories.upstreamRevocations)).toEqual([]);
    });
  }
});

describe("what was kept before records named an upstream, where nobody says which one that was", () => {
  /** A server that may send what is kept to nobody, and what its upstreams were asked and told of it. */
  const configurations: Readonly<Record<string, () => Partial<McpOAuthProviderOptions>>> = {
    "several upstreams": () => ({ upstreams: [other, pangea] }),
    "several upstreams, Pangea AuthN first": () => ({ upstreams: [pangea, other] }),
    "another upstream alone": () => ({ upstream: other, formerIssuer: pangea.issuer }),
  };
  for (const [name, options] of Object.entries(configurations)) {
    it(`is sent to no upstream, and leads to a new login: with ${name}`, async () => {
      const asked: string[] = [];
      for (const upstream of [pangea, other]) {
        upstream.refresh = async (token) => {
          asked.push(token);
          throw new Error("no token of then may come here");
        };
      }
      const told = heard("unknown-upstream");
      const harness = start(options());
      // Its upstream token is due.
      clock.advance(3590 * 1000);
      const call = harness.provider.upstreamToken({ token: before.alive.access_token });
      await expect(call).rejects.toMatchObject({
        error: "invalid_token",
        message: expect.stringContaining("log in again"),
      });
      expect(await harness.mcpStatus(before.alive.access_token)).toBe(401);
      expect(await jsonOf(await harness.refresh(before.alive))).toMatchObject({ error: "invalid_grant" });
      expect(await harness.provider.retryUpstreamRevocations()).toBe(0);
      expect([asked, pangea.revoked, other.revoked]).toEqual([[], [], []]);
      const known = options().formerIssuer;
      expect(told.stop()).toEqual([{ upstreamIssuer: known }]);
      const { findings } = await harness.provider.check();
      expect(findings.find(({ check }) => check === "unknown-upstream")).toMatchObject({ status: "warning" });
    });
  }

  it("is listed without an issuer, and ended by its client or with all", async () => {
    const { provider } = start({ upstreams: [other, pangea] });
    const listed = [];
    for await (const grant of provider.listGrants({ clientId: before.alive.clientId })) listed.push(grant);
    expect(listed).toMatchObject([{ subject: "ada", upstreamIssuer: undefined }]);
    expect(await provider.revokeGrants({ subject: "ada", upstreamIssuer: pangea.issuer })).toBe(0);
    expect(await provider.revokeGrants({ clientId: before.alive.clientId })).toBe(1);
  });
});
