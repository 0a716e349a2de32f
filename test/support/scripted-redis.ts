import { EventEmitter } from "node:events";
import type { RedisLike } from "../../src/storage/redis/redis-like.ts";

/** A command that waits for the test to answer it. */
export interface ScriptedCommand {
  readonly name: string;
  readonly keys: readonly string[];
  answer(reply: unknown): void;
  fail(error: unknown): void;
}

/** A Redis client that does nothing until the test opens its gates: it records commands and waits for their answers. */
export class ScriptedRedis extends EventEmitter implements RedisLike {
  status = "ready";
  options: object = { autoResendUnfulfilledCommands: false };
  readonly commands: ScriptedCommand[] = [];
  connectCount = 0;
  readonly disconnects: boolean[] = [];

  /** The commands so far: `["GET a", "MGET b c"]`. */
  get written(): string[] {
    return this.commands.map(({ name, keys }) => `${name} ${keys.join(" ")}`);
  }

  /** Changes the status and tells of it, as ioredis does. */
  become(status: string): void {
    this.status = status;
    this.emit(status);
  }

  async connect(): Promise<void> {
    this.connectCount++;
    this.status = "connecting";
  }

  disconnect(reconnect = false): void {
    this.disconnects.push(reconnect);
    this.status = "reconnecting";
  }

  get(key: string): Promise<string | null> {
    return this.#command("GET", [key]);
  }
  mget(keys: string[]): Promise<(string | null)[]> {
    return this.#command("MGET", keys);
  }
  set(key: string, _value: string, ...expiry: unknown[]): Promise<unknown> {
    return this.#command(["SET", ...expiry].join(" "), [key]);
  }
  getdel(key: string): Promise<string | null> {
    return this.#command("GETDEL", [key]);
  }
  del(key: string): Promise<number> {
    return this.#command("DEL", [key]);
  }
  eval(_script: string, _keyCount: 1, key: string): Promise<unknown> {
    return this.#command("EVAL", [key]);
  }

  #command<T>(name: string, keys: readonly string[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      // The reply is whatever the test says it is, as it is with a server.
      this.commands.push({ name, keys: [...keys], answer: (reply) => resolve(reply as T), fail: reject });
    });
  }
}
