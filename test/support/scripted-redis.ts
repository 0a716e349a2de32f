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

/** One node of a scripted Cluster, with a SCAN and an INFO whose answers the test gives. */
export class ScriptedNode extends ScriptedRedis {
  /** The answers to SCAN, page by page. */
  readonly pages: [cursor: string, keys: string[]][] = [];
  readonly cursors: string[] = [];
  memory = "";

  constructor(port = 7_000) {
    super();
    this.options = { host: "127.0.0.1", port, autoResendUnfulfilledCommands: false };
  }

  async scan(cursor: string): Promise<[cursor: string, keys: string[]]> {
    this.cursors.push(cursor);
    return this.pages.shift() ?? ["0", []];
  }

  async info(section: "memory"): Promise<string> {
    return section === "memory" ? this.memory : "";
  }
}

/** A scripted Cluster client: its nodes share the slots in even parts. */
export class ScriptedCluster extends ScriptedRedis {
  readonly isCluster = true;
  readonly masters: readonly ScriptedNode[];
  readonly slots: (string[] | undefined)[];

  constructor(nodeCount: number) {
    super();
    this.options = { retryDelayOnFailover: 0, scaleReads: "master" };
    this.masters = Array.from({ length: nodeCount }, (_, index) => new ScriptedNode(7_000 + index));
    const slotCount = 16_384;
    this.slots = Array.from({ length: slotCount }, (_, slot) => [
      `127.0.0.1:${7_000 + Math.floor((slot * nodeCount) / slotCount)}`,
    ]);
  }

  nodes(role: "master"): ScriptedNode[] {
    return role === "master" ? [...this.masters] : [];
  }
}
