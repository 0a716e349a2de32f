import { describe, expect, test } from "vitest";
import {
  clientSetting,
  hasNoListener,
  isRedisCluster,
  isRedisNode,
  limitsOf,
  settingOf,
} from "../../../src/storage/redis/redis-like.ts";
import { ScriptedCluster, ScriptedNode, ScriptedRedis } from "../../support/scripted-redis.ts";

const nodes = (): never[] => [];
const scan = async (): Promise<[string, string[]]> => ["0", []];

describe("what a client is", () => {
  test.each<[string, object, { readonly cluster: boolean; readonly node: boolean }]>([
    ["of one server", new ScriptedNode(), { cluster: false, node: true }],
    ["of one server, without SCAN", new ScriptedRedis(), { cluster: false, node: false }],
    ["of a Cluster", new ScriptedCluster(1), { cluster: true, node: false }],
    ["of a Cluster, with a SCAN", Object.assign(new ScriptedCluster(1), { scan }), { cluster: true, node: false }],
    ["that says that it is of one server", { isCluster: false, nodes, scan }, { cluster: false, node: true }],
    ["that says nothing", { nodes, scan }, { cluster: false, node: true }],
    ["that says something else", { isCluster: "yes", nodes, scan }, { cluster: false, node: true }],
    ["of a Cluster without nodes", { isCluster: true, scan }, { cluster: false, node: true }],
    [
      "of a Cluster with something else of the name",
      { isCluster: true, nodes: [], scan },
      { cluster: false, node: true },
    ],
    ["with something else named scan", { scan: "0" }, { cluster: false, node: false }],
  ])("is told of a client %s", (_, client, { cluster, node }) => {
    expect([isRedisCluster(client), isRedisNode(client)]).toEqual([cluster, node]);
  });
});

test.each<[string, object, object]>([
  ["says so", { limits: { tracking: "no" } }, { tracking: "no" }],
  ["says nothing", {}, {}],
  ["has null for it", { limits: null }, {}],
  ["has a text for it", { limits: "no" }, {}],
])("what a client cannot do, where it %s", (_, client, limits) => {
  expect(limitsOf(client)).toEqual(limits);
});

test.each<[unknown, unknown]>([
  [{ db: 3 }, 3],
  [{ db: undefined }, undefined],
  [{}, undefined],
  [Object.create({ db: 3 }), undefined],
  [null, undefined],
  [undefined, undefined],
  ["db", undefined],
])("the setting of %j is %j", (options, expected) => {
  expect(settingOf(options, "db")).toBe(expected);
  if (typeof options === "object" && options !== null) expect(clientSetting({ options }, "db")).toBe(expected);
  expect(clientSetting({}, "db")).toBeUndefined();
});

test("nobody hears an event where the client says so", () => {
  const redis = new ScriptedRedis();
  expect(hasNoListener(redis, "error")).toBe(true);
  redis.on("error", () => undefined);
  expect(hasNoListener(redis, "error")).toBe(false);
  expect(hasNoListener(redis, "close")).toBe(true);
  Object.defineProperty(redis, "listeners", { value: undefined });
  expect(hasNoListener(redis, "close")).toBe(false);
});
