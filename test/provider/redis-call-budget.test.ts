import { expect, it } from "vitest";
import { cacheRepositories } from "../../src/index.ts";
import { createRedisRepositories } from "../../src/redis.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { RecordingRedis } from "../support/recording-redis.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { setUp } from "../support/set-up.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();
let server: RedisServer;
let redis: RecordingRedis;
setUp("file", async (parts) => {
  server = parts.use(await startRedisServer());
  redis = parts.use(await RecordingRedis.connect(server.url));
});

const show = (what: string) => {
  console.log(what, redis.commands.length, "commands", redis.roundTrips, "round trips", redis.commands);
  redis.reset();
};

it.each(["plain", "cached"])("%s", async (which) => {
  const plain = createRedisRepositories(redis);
  const repositories = which === "plain" ? plain : cacheRepositories(plain, { maxStaleness: 5_000 });
  const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories });
  const { client_id: clientId } = await harness.register();
  await new Promise((r) => setTimeout(r, 50));
  redis.reset();
  const code = await harness.codeFor(clientId);
  show(`${which} login up to the code`);
  const tokens = await jsonOf(await harness.redeem(code));
  show(`${which} redemption`);
  // Another instance
  const plain2 = createRedisRepositories(redis);
  const repositories2 = which === "plain" ? plain2 : cacheRepositories(plain2, { maxStaleness: 5_000 });
  const other = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories: repositories2 });
  await other.provider.fetch(new Request("http://localhost:8000/token", { method: "POST" }));
  await new Promise((r) => setTimeout(r, 50));
  redis.reset();
  for (const [name, h] of [
    ["same", harness],
    ["other", other],
  ] as const) {
    expect(await h.mcpStatus(String(tokens.access_token))).toBe(200);
    show(`${which} ${name} verification`);
  }
  const once = await jsonOf(await harness.refresh({ clientId, refresh_token: String(tokens.refresh_token) }));
  show(`${which} same first refresh`);
  const twice = await jsonOf(await harness.refresh({ clientId, refresh_token: String(once.refresh_token) }));
  show(`${which} same second refresh`);
  await jsonOf(await harness.refresh({ clientId, refresh_token: String(once.refresh_token) }));
  show(`${which} same repeated refresh`);
  await jsonOf(await other.refresh({ clientId, refresh_token: String(once.refresh_token) }));
  show(`${which} other repeated refresh`);
  const third = await jsonOf(await other.refresh({ clientId, refresh_token: String(twice.refresh_token) }));
  show(`${which} other refresh`);
  await harness.postForm("/revoke", { client_id: clientId, token: String(third.refresh_token) });
  show(`${which} same logout`);
  expect(await harness.mcpStatus(String(third.access_token))).toBe(401);
});
