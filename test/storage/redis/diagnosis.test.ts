import { describe, expect, test } from "vitest";
import { diagnoseRedis } from "../../../src/storage/redis/diagnosis.ts";
import { SharedClient } from "../../../src/storage/redis/shared-client.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { errorReply } from "../../support/scripted-connection.ts";
import { ScriptedCluster, ScriptedNode, ScriptedRedis } from "../../support/scripted-redis.ts";

/** What a server answers to INFO and TIME. */
interface Answers {
  readonly memory: string;
  readonly persistence: string;
  readonly time: unknown;
}

const sound: Answers = {
  memory: "# Memory\r\nused_memory:1\r\nmaxmemory_policy:noeviction\r\nmem_allocator:libc\r\n",
  persistence: "# Persistence\r\nloading:0\r\naof_enabled:1\r\naof_last_write_status:ok\r\nmodule_fork:0\r\n",
  time: ["1700000000", "0"],
};

/** A server that tells of itself. */
class TalkingNode extends ScriptedNode {
  answers: Answers = sound;
  /** How long the clock of this machine goes on before TIME is answered. */
  beforeTime = (): void => undefined;

  override async info(section: string): Promise<string> {
    if (section === "memory") return this.answers.memory;
    return section === "persistence" ? this.answers.persistence : "";
  }

  async time(): Promise<unknown> {
    this.beforeTime();
    return this.answers.time;
  }
}

/** The findings, as `check status`. */
async function findings(redis: ScriptedRedis, clock = new ManualClock(1_700_000_000_000)): Promise<string[]> {
  const found = await diagnoseRedis(new SharedClient(redis), clock.read);
  return found.map(({ check, status }) => `${check} ${status}`);
}

async function findingOf(check: string, answers: Partial<Answers>): Promise<object | undefined> {
  const node = new TalkingNode();
  node.answers = { ...sound, ...answers };
  const found = await diagnoseRedis(new SharedClient(node), () => 1_700_000_000_000);
  return found.find((finding) => finding.check === check);
}

test("a server that is set well is told of in one finding for each check", async () => {
  expect(await findings(new TalkingNode())).toEqual(["store-eviction ok", "store-persistence ok", "store-clock ok"]);
});

describe("eviction", () => {
  test.each([
    ["maxmemory_policy:noeviction", "ok"],
    ["maxmemory_policy:allkeys-lru", "error"],
    ["maxmemory_policy:noeviction2", "error"],
    ["used_maxmemory_policy:noeviction", "warning"],
    ["", "warning"],
  ])("of a server that says %j is %s", async (memory, status) => {
    const finding = await findingOf("store-eviction", { memory: `used_memory:1\r\n${memory}\r\n` });
    expect(finding).toMatchObject({ status });
    expect([finding && "why" in finding, finding && "remedy" in finding]).toEqual([status !== "ok", status !== "ok"]);
  });
});

describe("persistence", () => {
  test.each([
    ["aof_enabled:1\r\naof_last_write_status:ok", "ok"],
    ["aof_enabled:1", "ok"],
    ["aof_enabled:1\r\naof_last_write_status:err", "error"],
    ["aof_enabled:1\r\nold_aof_last_write_status:err", "ok"],
    ["aof_enabled:0\r\naof_last_write_status:ok", "warning"],
    ["aof_enabled:0\r\naof_last_write_status:err", "warning"],
    ["old_aof_enabled:1", "warning"],
    ["", "warning"],
  ])("of a server that says %j is %s", async (persistence, status) => {
    const finding = await findingOf("store-persistence", { persistence: `loading:0\r\n${persistence}\r\n` });
    expect(finding).toMatchObject({ status });
    expect([finding && "why" in finding, finding && "remedy" in finding]).toEqual([status !== "ok", status !== "ok"]);
  });
});

test.each([
  ["store-persistence", { persistence: "" }, { persistence: "aof_enabled:0" }],
  ["store-eviction", { memory: "" }, { memory: "maxmemory_policy:allkeys-lru" }],
])(
  "what %s does not know is another finding, with another remedy, than what is wrong",
  async (check, unknown, wrong) => {
    const findings = [await findingOf(check, unknown), await findingOf(check, wrong)];
    for (const part of ["what", "remedy"]) {
      const [one, other] = findings.map((finding) => Reflect.get(finding ?? {}, part));
      expect(one).not.toBe(other);
    }
  },
);

describe("the clock", () => {
  test.each<[unknown, string | undefined]>([
    [["1700000000", "0"], "ok"],
    [[1_700_000_000, 999_999], "ok"],
    [["1700000010", "0"], "warning"],
    [["1699999990", "0"], "warning"],
    [["1700000100", "0"], "error"],
    // The microseconds count: 5.6 seconds are six, and more than may be.
    [["1700000005", "600000"], "warning"],
    [["1700000005", "400000"], "ok"],
    [["1700000000"], undefined],
    [[], undefined],
    [["now", "0"], undefined],
    ["1700000000", undefined],
    [null, undefined],
  ])("of a server that answers TIME with %j is %s", async (time, status) => {
    const finding = await findingOf("store-clock", { time });
    if (status === undefined) expect(finding).toBeUndefined();
    else expect(finding).toMatchObject({ status });
  });

  test("is compared with the middle of the time that the question took", async () => {
    const clock = new ManualClock(1_700_000_000_000);
    const node = new TalkingNode();
    node.beforeTime = () => clock.advanceSeconds(10);
    node.answers = { ...sound, time: ["1700000010", "0"] };
    // Five seconds before the server's time on the way, as of which nothing is said; ten would be.
    expect(await findings(node, clock)).toContain("store-clock ok");
  });
});

describe("on a Cluster", () => {
  class TalkingCluster extends ScriptedCluster {
    override readonly masters = [0, 1, 2].map((index) => new TalkingNode(7_000 + index));

    constructor() {
      super(3);
    }

    override nodes(): TalkingNode[] {
      return [...this.masters];
    }
  }
  const evicting: Answers = { ...sound, memory: "maxmemory_policy:allkeys-lru" };
  const silent: Answers = { ...sound, memory: "" };

  test.each([
    [[sound, sound, sound], "ok"],
    [[sound, silent, sound], "warning"],
    [[silent, evicting, sound], "error"],
    [[evicting, silent, sound], "error"],
    [[sound, sound, evicting], "error"],
  ])("the node that fares worst is told of: %#", async (answers, status) => {
    const cluster = new TalkingCluster();
    for (const [index, node] of cluster.masters.entries()) node.answers = answers[index] ?? sound;
    const found = await findings(cluster);
    expect(found).toEqual([`store-eviction ${status}`, "store-persistence ok", "store-clock ok"]);
  });

  test("of two that fare as badly the first is told of", async () => {
    const cluster = new TalkingCluster();
    const policies = ["allkeys-lru", "volatile-ttl", "noeviction"];
    for (const [index, node] of cluster.masters.entries()) {
      node.answers = { ...sound, memory: `maxmemory_policy:${policies[index]}` };
    }
    const [eviction] = await diagnoseRedis(new SharedClient(cluster), () => 0);
    const alone = await findingOf("store-eviction", { memory: "maxmemory_policy:allkeys-lru" });
    expect(eviction).toEqual(alone);
  });
});

test.each([
  ["neither", {}],
  ["INFO alone", { info: async () => "" }],
  ["TIME alone", { time: async () => ["1", "0"] }],
  ["something else of their names", { info: "memory", time: 1 }],
])("of a client that has %s nothing is said", async (_, commands) => {
  expect(await findings(Object.assign(new ScriptedRedis(), commands))).toEqual([]);
});

test.each(["info", "time"])(
  "a server that does not answer %s is an outage, and the question has no effect",
  async (name) => {
    const lost = { [name]: () => Promise.reject(new Error("Connection is closed.")) };
    await expect(findings(Object.assign(new TalkingNode(), lost))).rejects.toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
      effect: "none",
    });
  },
);

describe("the database", () => {
  const on = (database: number) => ({ call: async () => `id=3 name= db=${database} sub=0` });
  test.each([
    [0, "ok"],
    [2, "error"],
  ])("in which the connection is, %i in place of 0, is %s", async (database, status) => {
    expect(await findings(Object.assign(new TalkingNode(), on(database)))).toEqual([
      `store-database ${status}`,
      "store-eviction ok",
      "store-persistence ok",
      "store-clock ok",
    ]);
  });

  test("is told of with all else where the client was not let into the one that it is set to", async () => {
    const node = Object.assign(new TalkingNode(), on(0));
    node.options = { ...node.options, db: 2 };
    const client = new SharedClient(node);
    node.emit("error", Object.assign(errorReply("ERR DB index is out of range"), { command: { name: "select" } }));
    const found = await diagnoseRedis(client, () => 1_700_000_000_000);
    expect(found.map(({ check, status }) => `${check} ${status}`)).toEqual([
      "store-database error",
      "store-eviction ok",
      "store-persistence ok",
      "store-clock ok",
    ]);
  });

  test("that the user may not ask for is not told of", async () => {
    const refused = { call: () => Promise.reject(errorReply("NOPERM no permission")) };
    expect(await findings(Object.assign(new TalkingNode(), refused))).not.toContain("store-database ok");
  });
});
