import type { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { cacheRepositories } from "../../src/index.ts";
import { createRedisRepositories } from "../../src/redis.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { RecordingRedis } from "../support/recording-redis.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { setUp } from "../support/set-up.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();
let server: RedisServer;
let redis: RecordingRedis;
let observer: Redis;
setUp("file", async (parts) => {
  server = parts.use(await startRedisServer());
  redis = parts.use(await RecordingRedis.connect(server.url));
  observer = parts.use(await connectRedis(server));
});

interface Sent {
  readonly commands: readonly string[];
  readonly roundTrips: number;
}

/** What a provider sends while something is done with it. Redis counts the commands too. */
async function sentDuring(work: () => Promise<unknown>): Promise<Sent> {
  await observer.config("RESETSTAT");
  redis.forget();
  await work();
  const { commands, roundTrips } = redis;
  const counted = (await observer.info("commandstats")).matchAll(/cmdstat_(?!config|info)[a-z|-]+:calls=(\d+)/g);
  const total = [...counted].reduce((sum, [, calls]) => sum + Number(calls), 0);
  // Redis counts what a script does as well.
  if (commands.some((command) => command.startsWith("EVAL"))) expect(total).toBeGreaterThan(commands.length);
  else expect(total).toBe(commands.length);
  return { commands, roundTrips };
}

function expectAtMost(sent: Sent, commands: number, roundTrips: number): void {
  expect(sent.commands.length, sent.commands.join("\n")).toBeLessThanOrEqual(commands);
  expect(sent.roundTrips, sent.commands.join("\n")).toBeLessThanOrEqual(roundTrips);
}

/** An instance of the server that has announced its keys, as each does with the first request that it gets. */
async function instance(isCached: boolean): Promise<ProviderHarness> {
  const inRedis = createRedisRepositories(redis);
  const repositories = isCached ? cacheRepositories(inRedis, { maxStaleness: 5_000 }) : inRedis;
  // A use is written once an hour, beside the request.
  const grantUse = { recorded: false };
  const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories, grantUse });
  await harness.provider.fetch(new Request("http://localhost:8000/token", { method: "POST" }));
  await harness.provider[Symbol.asyncDispose]();
  return harness;
}

describe.each([
  { which: "without a cache", isCached: false },
  { which: "with a cache that has read nothing yet", isCached: true },
])("$which", ({ isCached }) => {
  it("takes at most 13 commands for a login, in 5 round trips, and 3 commands more for the first of a registration", async () => {
    const harness = await instance(isCached);
    const { client_id } = await harness.register();
    // Six of them write the indexes by which codes and grants are found, with the records and in their round trips.
    expectAtMost(await sentDuring(() => harness.tokensFor(client_id)), 16, 5);
    expectAtMost(await sentDuring(() => harness.tokensFor(client_id)), 13, 5);
  });

  it("reads token and grant of a request in one command", async () => {
    const { access_token } = await (await instance(isCached)).tokens();
    const harness = await instance(isCached);
    const { commands } = await sentDuring(async () => expect(await harness.mcpStatus(access_token)).toBe(200));
    expect(commands).toEqual(["MGET pangea-access_token pangea-grant"]);
  });

  it("takes at most 4 commands for a refresh, in 3 round trips, and for its repetition in 4", async () => {
    const first = await instance(isCached);
    const { clientId, refresh_token } = await first.tokens();
    const second = await jsonOf(await first.refresh({ clientId, refresh_token }));
    const shown = { clientId, refresh_token: String(second.refresh_token) };
    const refresh = async () => expect((await harness.refresh(shown)).status).toBe(200);

    const harness = await instance(isCached);
    const sent = await sentDuring(refresh);
    expectAtMost(sent, 4, 3);
    // What is read of the client, of the grant and of the refresh tokens next to the shown one.
    expect(sent.commands[0]).toMatch(/^MGET pangea-grant( pangea-refresh_token){4} pangea-client$/);
    expectAtMost(await sentDuring(refresh), 4, 4);
  });

  it("takes at most 8 commands for a logout, in 5 round trips", async () => {
    const { clientId, refresh_token, access_token } = await (await instance(isCached)).tokens();
    const harness = await instance(isCached);
    const form = { client_id: clientId, token: refresh_token };
    expectAtMost(await sentDuring(() => harness.postForm("/revoke", form)), 8, 5);
    expect(await harness.mcpStatus(access_token)).toBe(401);
  });
});

it("takes no command for a second request with the same token when a cache is in front", async () => {
  const harness = await instance(true);
  const { access_token } = await harness.tokens();
  expect(await harness.mcpStatus(access_token)).toBe(200);
  expect((await sentDuring(() => harness.mcpStatus(access_token))).commands).toEqual([]);
});
