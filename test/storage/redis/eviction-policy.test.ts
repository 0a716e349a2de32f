import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { requireNoEviction, warnOfEviction } from "../../../src/storage/redis/eviction-policy.ts";
import { SharedClient } from "../../../src/storage/redis/shared-client.ts";
import { errorReply } from "../../support/scripted-connection.ts";
import { ScriptedCluster, ScriptedNode, ScriptedRedis } from "../../support/scripted-redis.ts";
import { unheardFailures } from "../../support/unheard-failures.ts";

const info = (policy: string) => `# Memory\r\nused_memory:1\r\nmaxmemory_policy:${policy}\r\nmem_allocator:libc\r\n`;
const check = (redis: ScriptedRedis) => requireNoEviction(new SharedClient(redis));
const refusal = { code: "ERR_CONFIGURATION" };

test.each([
  [info("noeviction"), true],
  [info("allkeys-lru"), false],
  [info("noeviction2"), false],
  ["used_maxmemory_policy:noeviction", false],
  ["", false],
])("a server that says %j may keep records: %s", async (memory, isFit) => {
  const redis = new ScriptedNode();
  redis.memory = memory;
  if (isFit) await check(redis);
  else await expect(check(redis)).rejects.toMatchObject(refusal);
});

test.each([
  ["has no way to ask", new ScriptedRedis()],
  ["has something else of the name", Object.assign(new ScriptedRedis(), { info: "memory" })],
])("a client that %s is refused", async (_, redis) => {
  await expect(check(redis)).rejects.toMatchObject(refusal);
});

test("a server that does not answer is an outage, and a question has no effect", async () => {
  const redis = Object.assign(new ScriptedNode(), { info: () => Promise.reject(new Error("Connection is closed.")) });
  await expect(check(redis)).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
});

test("a server is asked also where it has not let the client into its database", async () => {
  const redis = new ScriptedNode();
  redis.options = { ...redis.options, db: 2 };
  redis.memory = info("noeviction");
  const client = new SharedClient(redis);
  redis.emit("error", Object.assign(errorReply("ERR DB index is out of range"), { command: { name: "select" } }));
  await requireNoEviction(client);
});

test("every node of a Cluster is asked", async () => {
  const cluster = new ScriptedCluster(2);
  for (const node of cluster.masters) node.memory = info("noeviction");
  await check(cluster);
  for (const node of cluster.masters) {
    node.memory = info("allkeys-lru");
    await expect(check(cluster)).rejects.toMatchObject(refusal);
    node.memory = info("noeviction");
  }
});

describe("the warning of a Redis that evicts", () => {
  const warned: unknown[] = [];
  beforeEach(() => {
    warned.length = 0;
    vi.spyOn(process, "emitWarning").mockImplementation(
      (_text: unknown, options: unknown) => void warned.push(options),
    );
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  const warning = { code: "PANGEA_REDIS_EVICTION" };
  /** Resolves once what the server has answered has been looked at. */
  const looked = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const nodeWith = (memory: string) => Object.assign(new ScriptedNode(), { memory });

  test.each([
    [info("allkeys-lru"), [warning]],
    [info("noeviction"), []],
    ["", []],
  ])("of a server that says %j is given: %j", async (memory, expected) => {
    warnOfEviction(new SharedClient(nodeWith(memory)));
    await looked();
    expect(warned).toEqual(expected);
  });

  test("is given once, for whichever node of a Cluster", async () => {
    const cluster = new ScriptedCluster(3);
    for (const [index, policy] of ["", "allkeys-lru", "volatile-lru"].entries()) {
      const node = cluster.masters[index];
      if (node !== undefined) node.memory = info(policy);
    }
    warnOfEviction(new SharedClient(cluster));
    await looked();
    expect(warned).toEqual([warning]);
  });

  test("waits for the connection, and is given once", async () => {
    const redis = nodeWith(info("allkeys-lru"));
    redis.status = "connecting";
    warnOfEviction(new SharedClient(redis));
    await looked();
    expect(warned).toEqual([]);
    for (const _ of ["first", "second"]) redis.become("ready");
    await looked();
    expect(warned).toEqual([warning]);
    expect(redis.listenerCount("ready")).toBe(0);
  });

  test("is not given any more once nobody waits for it", async () => {
    const redis = nodeWith(info("allkeys-lru"));
    redis.status = "connecting";
    warnOfEviction(new SharedClient(redis))();
    expect(redis.listenerCount("ready")).toBe(0);
    redis.become("ready");
    await looked();
    expect(warned).toEqual([]);
  });

  test("is not given of a server that does not answer", async () => {
    const silent = Object.assign(nodeWith(""), { info: () => Promise.reject(new Error("Connection is closed.")) });
    const unheard = await unheardFailures(async () => {
      warnOfEviction(new SharedClient(silent));
      await looked();
    });
    expect(unheard).toEqual([]);
    expect(warned).toEqual([]);
  });

  test("hides no failure that is not of the store", async () => {
    const bug = new TypeError("a bug");
    vi.mocked(process.emitWarning).mockImplementation(() => {
      throw bug;
    });
    const unheard = await unheardFailures(async () => {
      warnOfEviction(new SharedClient(nodeWith(info("allkeys-lru"))));
      await looked();
    });
    expect(unheard).toEqual([bug]);
  });
});
