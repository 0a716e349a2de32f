import type { RedisNode } from "./redis-like.ts";

/** The commands of the port, on a client that takes each as an array of texts and gives the reply as it comes. */
export abstract class ArrayCommands {
  /**
   * Sends a command.
   *
   * @param redisKey - The key that leads to the node of a Cluster; `undefined` where any node will do.
   */
  protected abstract send(redisKey: string | undefined, command: readonly string[]): Promise<unknown>;

  async get(key: string): Promise<string | null> {
    return textOf(await this.send(key, ["GET", key]));
  }

  async mget(keys: string[]): Promise<(string | null)[]> {
    return listOf(await this.send(keys[0], ["MGET", ...keys])).map(textOf);
  }

  set(key: string, value: string, ...tokens: (string | number)[]): Promise<unknown> {
    return this.send(key, ["SET", key, value, ...tokens.map(String)]);
  }

  async getdel(key: string): Promise<string | null> {
    return textOf(await this.send(key, ["GETDEL", key]));
  }

  async del(key: string): Promise<number> {
    return countOf(await this.send(key, ["DEL", key]));
  }

  eval(script: string, _keyCount: 1, key: string, ...values: (string | number)[]): Promise<unknown> {
    return this.send(key, ["EVAL", script, "1", key, ...values.map(String)]);
  }

  publish(channel: string, message: string): Promise<unknown> {
    return this.send(undefined, ["PUBLISH", channel, message]);
  }
}

/** The commands that are asked of one server rather than of a Cluster. */
export abstract class NodeCommands extends ArrayCommands {
  async scan(...[cursor, , pattern, , count]: Parameters<RedisNode["scan"]>): ReturnType<RedisNode["scan"]> {
    const reply = listOf(await this.send(undefined, ["SCAN", cursor, "MATCH", pattern, "COUNT", String(count)]));
    const keys = listOf(reply[1]).map((key) => textOf(key) ?? "");
    return [textOf(reply[0]) ?? "0", keys];
  }

  async info(section: string): Promise<string> {
    return textOf(await this.send(undefined, ["INFO", section])) ?? "";
  }

  time(): Promise<unknown> {
    return this.send(undefined, ["TIME"]);
  }

  call(command: string, ...parameters: (string | number)[]): Promise<unknown> {
    return this.send(undefined, [command, ...parameters.map(String)]);
  }
}

/** What a client gives that it should not: its settings turn texts into something else. */
function unexpected(): never {
  throw new TypeError("The Redis client gave another kind of reply than Redis sends; leave its replies as they are.");
}

function textOf(reply: unknown): string | null {
  return typeof reply === "string" || reply === null ? reply : unexpected();
}

function countOf(reply: unknown): number {
  return typeof reply === "number" ? reply : unexpected();
}

function listOf(reply: unknown): unknown[] {
  return Array.isArray(reply) ? reply : unexpected();
}
