import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, type ProviderRepositories } from "../../../src/index.ts";
import { type GrantFilter, listGrants, revokeGrants } from "../../../src/provider/grants/grant-directory.ts";
import type { RevocationEvidence } from "../../../src/provider/grants/grants.ts";
import { Upstreams } from "../../../src/provider/upstream/upstreams.ts";
import { authorizationCodeKey } from "../../../src/records/keys.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { intercepted } from "../../support/intercepted-repository.ts";

const [red, blue] = [new FakeUpstream(Date.now, "red"), new FakeUpstream(Date.now, "blue")];
const resource = "https://mcp.example/mcp";
const baseUrl = "https://mcp.example";
const one = new Upstreams([red], { baseUrl });
const two = new Upstreams([red, blue], { baseUrl });

let repositories: ProviderRepositories;
let met: string[];
beforeEach(() => {
  repositories = createInMemoryRepositories({ clock: () => 0 });
  met = [];
});
const partsWith = (upstreams: Upstreams) => ({
  repositories,
  resource,
  upstreams,
  now: () => 0,
  meetForeignGrant: (foreign: string) => void met.push(foreign),
  meetUnindexedGrants: () => void met.push("no index"),
});

const grant = { clientId: "app", scopes: ["user"], createdAt: 1, expiresAt: 9, resource: new URL(resource) };
const code = { ...grant, codeChallenge: "", redirectUri: new URL("http://127.0.0.1/") };
const grants = {
  red: { ...grant, subject: "ada", upstreamIssuer: red.issuer },
  blue: { ...grant, subject: "ada", upstreamIssuer: blue.issuer, clientId: "other" },
  unnamed: { ...grant, subject: "ada" },
  grace: { ...grant, subject: "grace", upstreamIssuer: red.issuer },
  nobodys: grant,
  revoked: { ...grant, subject: "ada", upstreamIssuer: red.issuer, revokedAt: 2 },
  foreign: { ...grant, subject: "ada", upstreamIssuer: red.issuer, resource: new URL("https://other.example/mcp") },
};

const table: [string, Upstreams, GrantFilter, readonly (keyof typeof grants)[]][] = [
  ["all of one upstream", one, {}, ["blue", "grace", "nobodys", "red", "unnamed"]],
  ["a user of the only upstream", one, { subject: "ada" }, ["red", "unnamed"]],
  ["the only upstream", one, { upstreamIssuer: red.issuer }, ["grace", "nobodys", "red", "unnamed"]],
  ["a user of one of two", two, { subject: "ada", upstreamIssuer: red.issuer }, ["red"]],
  ["a user of one of two, with a slash", two, { subject: "ada", upstreamIssuer: `${blue.issuer}/` }, ["blue"]],
  ["an upstream of two", two, { upstreamIssuer: red.issuer }, ["grace", "red"]],
  ["a client", two, { clientId: "other" }, ["blue"]],
  ["a user and another client", one, { subject: "ada", clientId: "other" }, []],
];

describe("the grants that a filter means", () => {
  beforeEach(async () => {
    for (const [id, record] of Object.entries(grants)) {
      await repositories.grants.set(id, record);
      const waiting = "revokedAt" in record ? grant : record;
      await repositories.authorizationCodes.set(authorizationCodeKey(id), {
        ...code,
        ...waiting,
        grantId: `code ${id}`,
      });
    }
    const { resource: _, ...others } = code;
    await repositories.authorizationCodes.set(authorizationCodeKey("x"), { ...others, subject: "eve", clientId: "x" });
  });

  it.each(table)("are listed: %s", async (_, upstreams, filter, expected) => {
    const found = new Map<string, unknown>();
    for await (const summary of listGrants(partsWith(upstreams), filter)) {
      found.set(summary.grantId, summary.upstreamIssuer);
      const record = grants[summary.grantId as keyof typeof grants];
      expect(summary).toMatchObject({ clientId: record.clientId, resource, createdAt: 1, expiresAt: 9 });
    }
    expect([...found.keys()].sort()).toEqual(expected);
    if (found.has("unnamed")) expect(found.get("unnamed")).toBe(upstreams.only?.issuer);
    expect(met.filter((what) => what !== "no index").length).toBeLessThanOrEqual(1);
    if (Object.keys(filter).length === 0) expect(met).toEqual(["https://other.example/mcp"]);
  });

  it.each(table)("are ended, codes first: %s", async (_, upstreams, filter, expected) => {
    const ended: string[] = [];
    const forgotten: unknown[] = [];
    const count = await revokeGrants(
      {
        revoke: async (grantId: string, { by, code: waiting }: RevocationEvidence = {}) => {
          expect(by).toBe("operator");
          expect(waiting !== undefined).toBe(grantId.startsWith("code "));
          ended.push(grantId);
          return !grantId.startsWith("code ");
        },
        forgetConsent: async (...what) => void forgotten.push(what),
        forgetConsentOfEverybody: async () => expect(filter).toEqual({}),
      },
      partsWith(upstreams),
      filter,
    );
    expect(count).toBe(expected.length);
    expect(ended.filter((id) => !id.startsWith("code ")).sort()).toEqual(expected);
    const begun = ended.findIndex((id) => !id.startsWith("code "));
    if (begun >= 0) expect(ended.slice(begun).every((id) => !id.startsWith("code "))).toBe(true);
    expect(ended.filter((id) => id.startsWith("code ") && id !== "code revoked").sort()).toEqual(
      expected.map((id) => `code ${id}`),
    );
    const { subject, clientId, upstreamIssuer = upstreams.only?.issuer } = filter;
    expect(forgotten).toEqual(subject === undefined ? [] : [[{ subject, upstreamIssuer }, clientId]]);
  });
});

describe("a filter", () => {
  it.each<[string, Upstreams, unknown]>([
    ["with another member", one, { client: "app" }],
    ["with a member that is no text", one, { subject: undefined }],
    ["with a client that is no text", one, { clientId: 5 }],
    ["that is none", one, null],
    ["with a subject alone, of several upstreams", two, { subject: "ada" }],
  ])("%s is refused, before anything is done", async (_, upstreams, filter) => {
    const list = listGrants(partsWith(upstreams), filter as GrantFilter);
    await expect(list.next()).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    const never = async () => expect.fail("It must not be called.");
    const end = revokeGrants(
      { revoke: never, forgetConsent: never, forgetConsentOfEverybody: never },
      partsWith(upstreams),
      filter as GrantFilter,
    );
    await expect(end).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  });
});

describe("a store that cannot list its grants, or its codes that wait", () => {
  const kinds = ["grants", "authorizationCodes"] as const;
  const filters: readonly GrantFilter[] = [{}, { subject: "ada" }, { clientId: "app" }];
  it.each(kinds.flatMap((kind) => filters.map((filter) => [kind, filter] as const)))(
    "is refused before anything is done: %s, also for the filter %j",
    async (kind, filter) => {
      repositories = { ...repositories, [kind]: intercepted<string, unknown>(repositories[kind], (run) => run()) };
      const never = async () => expect.fail("It must not be called.");
      const end = revokeGrants(
        { revoke: never, forgetConsent: never, forgetConsentOfEverybody: never },
        partsWith(one),
        filter,
      );
      await expect(end).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    },
  );
});
