import { describe, expect, test } from "vitest";
import { NodeCommands } from "../../../src/storage/redis/array-commands.ts";

/** A client that records what it is sent and answers as the test says. */
class RecordedCommands extends NodeCommands {
  readonly sent: (readonly [key: string | undefined, ...command: string[]])[] = [];
  reply: unknown;

  constructor(reply: unknown) {
    super();
    this.reply = reply;
  }

  protected async send(redisKey: string | undefined, command: readonly string[]): Promise<unknown> {
    this.sent.push([redisKey, ...command]);
    return this.reply;
  }
}

type Call = (commands: NodeCommands) => Promise<unknown>;

describe("a command is an array of texts, beside the key that leads to its node", () => {
  test.each<[string, Call, unknown, (string | undefined)[], unknown?]>([
    ["get", (c) => c.get("k"), "v", ["k", "GET", "k"]],
    ["get of nothing", (c) => c.get("k"), null, ["k", "GET", "k"]],
    ["mget", (c) => c.mget(["a", "b"]), ["v", null], ["a", "MGET", "a", "b"]],
    ["set", (c) => c.set("k", "v"), "OK", ["k", "SET", "k", "v"]],
    ["set for a time", (c) => c.set("k", "v", "PX", 5, "NX"), null, ["k", "SET", "k", "v", "PX", "5", "NX"]],
    ["getdel", (c) => c.getdel("k"), "v", ["k", "GETDEL", "k"]],
    ["del", (c) => c.del("k"), 1, ["k", "DEL", "k"]],
    ["eval", (c) => c.eval("return 1", 1, "k", "a", 2), 1, ["k", "EVAL", "return 1", "1", "k", "a", "2"]],
    ["publish", (c) => c.publish("c", "m"), 1, [undefined, "PUBLISH", "c", "m"]],
    ["info", (c) => c.info("memory"), "used:1", [undefined, "INFO", "memory"]],
    ["time", (c) => c.time(), ["1", "2"], [undefined, "TIME"]],
    ["any other", (c) => c.call("CLIENT", "ID", 3), 3, [undefined, "CLIENT", "ID", "3"]],
    [
      "scan",
      (c) => c.scan("0", "MATCH", "p:*", "COUNT", 500),
      ["7", ["p:a"]],
      [undefined, "SCAN", "0", "MATCH", "p:*", "COUNT", "500"],
    ],
  ])("%s", async (_, call, reply, sent) => {
    const commands = new RecordedCommands(reply);
    expect(await call(commands)).toEqual(reply);
    expect(commands.sent).toEqual([sent]);
  });
});

describe("a reply of another kind than Redis sends, since the client's settings turn texts into something else", () => {
  const get: Call = (c) => c.get("k");
  const mget: Call = (c) => c.mget(["a", "b"]);
  const getdel: Call = (c) => c.getdel("k");
  const del: Call = (c) => c.del("k");
  const scan: Call = (c) => c.scan("0", "MATCH", "p:*", "COUNT", 500);
  const info: Call = (c) => c.info("memory");
  test.each<[string, Call, unknown]>([
    ["a text that is bytes", get, Buffer.from("v")],
    ["a text that is not there", get, undefined],
    ["a text that is bytes, deleted", getdel, Buffer.from("v")],
    ["a list that is a text", mget, "v"],
    ["a list of bytes", mget, [Buffer.from("v"), null]],
    ["a count that is a text", del, "1"],
    ["a count that is a large number", del, 1n],
    ["a page that is a text", scan, "0"],
    ["a page without keys", scan, ["0"]],
    ["a page of bytes", scan, ["0", [Buffer.from("p:a")]]],
    ["a cursor that is a number", scan, [0, ["p:a"]]],
    ["information that is no text", info, {}],
  ])("%s is an error and no record", async (_, call, reply) => {
    await expect(call(new RecordedCommands(reply))).rejects.toBeInstanceOf(TypeError);
  });

  test("what is null where it cannot be is nothing", async () => {
    expect(await scan(new RecordedCommands([null, ["p:a", null]]))).toEqual(["0", ["p:a", ""]]);
    expect(await info(new RecordedCommands(null))).toBe("");
  });
});
