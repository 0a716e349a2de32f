import { describe, expect, it } from "vitest";
import { createInMemoryRepositories, type GrantSummary } from "../../../src/index.ts";
import { applicationCard } from "../../../src/provider/http/pages/application-card.ts";
import { allowedApplications } from "../../../src/provider/login/allowed-applications.ts";
import { configured } from "../../support/configured.ts";

const user = { subject: "ada", upstreamIssuer: "https://login.fake.example" };
const registry = { find: async () => undefined };
const fail = (failure: unknown) => {
  throw failure;
};

/** A server on which somebody has logged in with one client so often. */
async function serverWith(logins: number) {
  const repositories = createInMemoryRepositories();
  const configuration = configured({ repositories, clock: Date.now });
  const createdAt = Math.floor(Date.now() / 1000);
  const grant = {
    ...user,
    clientId: "scribe",
    scopes: ["user"],
    resource: new URL(configuration.resource),
    expiresAt: createdAt + 3600,
  };
  for (let index = 0; index < logins; index += 1) {
    await repositories.grants.set(`grant-${index}`, { ...grant, createdAt: createdAt + (index % 1000) });
  }
  return configuration;
}

/** The processor's time of a listing, in milliseconds: the least of some. */
async function timeOf(configuration: Awaited<ReturnType<typeof serverWith>>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 4; run += 1) {
    const before = process.cpuUsage();
    const { applications } = await allowedApplications(configuration, registry, user, 100, fail);
    const { user: spent, system } = process.cpuUsage(before);
    expect(applications).toHaveLength(1);
    times.push((spent + system) / 1000);
  }
  return Math.min(...times);
}

describe("somebody who has logged in thousands of times", () => {
  it("costs in proportion to that, and four times as many logins never sixteen times as much", async () => {
    const [few, many] = [await timeOf(await serverWith(6_000)), await timeOf(await serverWith(24_000))];
    expect(many / few).toBeLessThan(9);
  }, 60_000);

  it("has a card for the application, however many logins stand behind it", () => {
    const configuration = configured();
    const login: GrantSummary = {
      ...user,
      grantId: "grant",
      clientId: "scribe",
      clientName: undefined,
      clientHost: undefined,
      clientVerified: false,
      scopes: ["user"],
      resource: configuration.resource,
      createdAt: 1_700_000_000,
      lastUsedAt: 1_700_000_100,
      lastUsedFrom: undefined,
      expiresAt: 1_700_003_600,
    };
    const logins = Array.from({ length: 300_000 }, (_, index) => ({ ...login, createdAt: login.createdAt + index }));
    const card = applicationCard(configuration, { clientId: "scribe", client: undefined, logins }, 0, (form) => form);
    expect(card.match(/value="end-login"/g)).toHaveLength(20);
    expect(card).toContain("2023-11-14T22:13:20.000Z");
  });
});
