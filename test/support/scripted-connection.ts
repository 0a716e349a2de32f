import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import type { RedisCallable, SubscriberClient } from "../../src/storage/redis/subscriber-connection.ts";
import { type PromiseWithResolvers, withResolvers } from "../../src/storage/with-resolvers.ts";

/** An error reply of Redis, as ioredis gives it out. */
export function errorReply(message: string): Error {
  return Object.assign(new Error(message), { name: "ReplyError" });
}

/**
 * A connection of ioredis that does what the test says. It answers commands at once, unless the test holds them or lets
 * them fail.
 */
export class ScriptedConnection extends EventEmitter implements RedisCallable, SubscriberClient {
  status = "wait";
  /** What the server says of itself. */
  serverId = "server1";
  /** The connection's own id, and the id of the connection that its messages are redirected to. */
  clientId = 7;
  redirection: unknown = 7;
  /** `"CLIENT TRACKING OFF"`, one for each command. */
  readonly commands: string[] = [];
  readonly disconnects: boolean[] = [];
  readonly duplicates: { readonly settings: object; readonly connection: ScriptedConnection }[] = [];
  connects = 0;
  /** By the beginning of a command: what it fails with. */
  readonly failures = new Map<string, Error>();
  /** By the beginning of a command: those that wait. */
  readonly #held = new Map<string, PromiseWithResolvers<void>[]>();

  /** The connection that was opened beside this one. */
  get second(): ScriptedConnection {
    const last = this.duplicates.at(-1);
    if (last === undefined) throw new Error("No second connection was opened.");
    return last.connection;
  }

  /** Changes the status and tells of it, as ioredis does. */
  become(status: string, ...details: unknown[]): void {
    this.status = status;
    this.emit(status, ...details);
  }

  /** Holds the commands that begin so. The answer lets the first of them go on, or fail. */
  hold(beginning: string): { release(failure?: Error): void } {
    const held: PromiseWithResolvers<void>[] = [];
    this.#held.set(beginning, held);
    return {
      release: (failure) => {
        this.#held.delete(beginning);
        const first = held.shift();
        if (failure === undefined) first?.resolve();
        else first?.reject(failure);
      },
    };
  }

  async call(command: string, ...parameters: (string | number)[]): Promise<unknown> {
    const text = [command, ...parameters].join(" ");
    this.commands.push(text);
    for (const [beginning, held] of this.#held) {
      if (!text.startsWith(beginning)) continue;
      const wait = withResolvers<void>();
      held.push(wait);
      await wait.promise;
    }
    for (const [beginning, failure] of this.failures) if (text.startsWith(beginning)) throw failure;
    if (text === "CLIENT ID") return this.clientId;
    if (text === "CLIENT GETREDIR") return this.redirection;
    if (text !== "INFO server") return "OK";
    // A line of a like name, in which no two connections agree.
    return `# Server\r\nother_run_id:${randomUUID()}\r\nrun_id:${this.serverId}\r\n`;
  }

  subscribe(channel: string): Promise<unknown> {
    return this.call("SUBSCRIBE", channel);
  }

  publish(channel: string, message: string): Promise<unknown> {
    return this.call("PUBLISH", channel, message);
  }

  ping(): Promise<unknown> {
    return this.call("PING");
  }

  duplicate(settings: object): ScriptedConnection {
    const connection = new ScriptedConnection();
    this.duplicates.push({ settings, connection });
    return connection;
  }

  async connect(): Promise<void> {
    this.connects += 1;
    this.status = "connecting";
  }

  disconnect(reconnect = false): void {
    this.disconnects.push(reconnect);
  }
}

/** Resolves once no promise has a reaction left to run. */
export const promisesSettled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A Cluster client whose masters are what the test says. */
export class ScriptedClusterConnection extends ScriptedConnection {
  readonly isCluster = true;
  masters: ScriptedConnection[] = [];

  nodes(role: "master"): ScriptedConnection[] {
    return role === "master" ? [...this.masters] : [];
  }
}

/** A connection that takes commands. */
export function readyConnection(): ScriptedConnection {
  const connection = new ScriptedConnection();
  connection.status = "ready";
  return connection;
}

/** A Cluster client whose masters take commands. */
export function readyCluster(masters: number): ScriptedClusterConnection {
  const cluster = new ScriptedClusterConnection();
  cluster.status = "ready";
  cluster.masters = Array.from({ length: masters }, readyConnection);
  return cluster;
}

/** Lets the listening connection beside each of these come up. */
export async function comeUp(...connections: readonly ScriptedConnection[]): Promise<void> {
  for (const connection of connections) connection.second.become("ready");
  await promisesSettled();
}
