import { Client, type Pool } from "pg";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  createPostgresTables,
  PostgresInvalidation,
  type PostgresInvalidationOptions,
  type PostgresLike,
  type PostgresListener,
  PostgresRepository,
  postgresOptions,
} from "../../../src/postgres.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { sha256Name } from "../../../src/storage/cached/invalidation.ts";
import { openPostgresPool } from "../../support/postgres-pool.ts";
import { type PostgresServer, startPostgresServer } from "../../support/postgres-server.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import { setUp } from "../../support/set-up.ts";

const schema = z.object({ name: z.string() });

describe("on a server", () => {
  let server: PostgresServer;
  let pool: Pool;
  setUp("file", async (parts) => {
    server = parts.use(await startPostgresServer());
    pool = openPostgresPool({ connectionString: server.url, max: 4, ...postgresOptions({ timeout: 10_000 }) });
    parts.defer(() => pool.end());
    await createPostgresTables(pool);
  });
  const newChannel = (options: Partial<PostgresInvalidationOptions> = {}) =>
    new PostgresInvalidation(pool, {
      prefix: "grant",
      listener: () => new Client({ connectionString: server.url }),
      timeout: 10_000,
      heartbeat: 20_000,
      ...options,
    });
  const up = (subscriber: RecordingSubscriber) =>
    expect.poll(() => subscriber.connections.at(-1), { timeout: 20_000 }).toBe("up");

  it("tells the other instances what has changed, and not the one that says it", async () => {
    await using one = newChannel();
    await using other = newChannel();
    await using stranger = newChannel({ prefix: "grants" });
    const subscribers = [one, other, stranger].map((channel) => {
      const subscriber = new RecordingSubscriber();
      return { subscriber, subscription: channel.subscribe(subscriber) };
    });
    const [first, second, third] = subscribers;
    for (const { subscriber } of subscribers) await up(subscriber);
    await first?.subscription.publish(sha256Name("a"));
    await expect.poll(() => second?.subscriber.heard).toEqual([sha256Name("a")]);
    await second?.subscription.publish(sha256Name("b"));
    await expect.poll(() => first?.subscriber.heard).toEqual([sha256Name("b")]);
    expect([second?.subscriber.heard, third?.subscriber.heard]).toEqual([[sha256Name("a")], []]);
  });

  it("ends another instance's copy of a record that was deleted", async () => {
    const repository = new PostgresRepository(schema, pool, { prefix: "grant", timeout: 10_000 });
    await using one = newChannel();
    await using other = newChannel();
    const bounds = { max: 10, maxStaleness: 600_000 };
    await using here = new CachedRepository(repository, { ...bounds, invalidation: one });
    await using there = new CachedRepository(repository, { ...bounds, invalidation: other });
    await here.set("a", { name: "Ada" });
    await expect
      .poll(async () => [await there.get("a"), there.copyAge("a") !== undefined])
      .toEqual([{ name: "Ada" }, true]);
    await here.delete("a");
    await expect.poll(() => there.get("a")).toBeUndefined();
  });

  it("is down while Postgres is, says why, and is up again by itself", async () => {
    const refusals: unknown[] = [];
    await using channel = newChannel({ onRefused: (error) => refusals.push(error) });
    const subscriber = new RecordingSubscriber();
    const subscription = channel.subscribe(subscriber);
    await up(subscriber);
    await server.stop();
    await expect.poll(() => subscriber.connections).toEqual(["up", "down"]);
    expect(refusals.length).toBeGreaterThan(0);
    await expect(subscription.publish(sha256Name("a"))).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    await server.restart();
    await up(subscriber);
  });
});

/** A listener whose connection the test drives. Nothing arrives over it unless the test says so. */
class ScriptedListener implements PostgresListener {
  readonly #listeners = new Map<string, (argument: never) => void>();
  isEnded = false;

  async connect(): Promise<void> {}
  async query(): Promise<void> {}
  async end(): Promise<void> {
    this.isEnded = true;
  }
  on(event: string, listener: (argument: never) => void): void {
    this.#listeners.set(event, listener);
  }
  emit(event: string, argument?: unknown): void {
    Reflect.apply(this.#listeners.get(event) ?? (() => undefined), undefined, [argument]);
  }
}

/** A client whose messages the test hands on, or not. */
function scripted(options: Partial<PostgresInvalidationOptions> = {}) {
  const sent: string[] = [];
  const listeners: ScriptedListener[] = [];
  const outage = { isOn: false };
  const postgres: PostgresLike = {
    query: async (_, [, payload]) => {
      if (outage.isOn) throw Object.assign(new Error("The database system is shutting down."), { code: "57P03" });
      sent.push(String(payload));
      return [];
    },
  };
  const refusals: unknown[] = [];
  const channel = new PostgresInvalidation(postgres, {
    prefix: "grant",
    heartbeat: 50,
    listener: () => {
      const listener = new ScriptedListener();
      listeners.push(listener);
      return listener;
    },
    onRefused: (error) => refusals.push(error),
    ...options,
  });
  const deliver = (payload: string | undefined, on = "pangea_invalidate") =>
    listeners.at(-1)?.emit("notification", { channel: on, payload });
  return { channel, sent, listeners, refusals, deliver, outage };
}

describe("behind a pooler that shares connections, where nothing arrives", () => {
  it("stays down, and says what to change", async () => {
    const { channel, listeners, refusals } = scripted();
    await using _ = channel;
    const subscriber = new RecordingSubscriber();
    channel.subscribe(subscriber);
    await expect.poll(() => listeners.length, { timeout: 5_000 }).toBeGreaterThan(1);
    expect(listeners[0]?.isEnded).toBe(true);
    expect(subscriber.connections).toEqual([]);
    expect(refusals[0]).toMatchObject({ code: "ERR_STORAGE_REJECTED", message: expect.stringContaining("pooler") });
  });
});

describe("behind nothing, where a message is late", () => {
  it("is down and says that the connection has died or is slow, and not that there is a pooler", async () => {
    const { channel, listeners, refusals, sent, deliver } = scripted();
    await using _ = channel;
    const subscriber = new RecordingSubscriber();
    channel.subscribe(subscriber);
    await expect.poll(() => sent.length).toBeGreaterThan(0);
    deliver(sent.at(-1));
    expect(subscriber.connections).toEqual(["up"]);
    await expect.poll(() => listeners.length, { timeout: 5_000 }).toBeGreaterThan(1);
    expect(refusals[0]).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    expect(subscriber.connections).toEqual(["up", "down"]);
  });
});

describe("what arrives", () => {
  it("counts from the first message to itself on, whatever else is said", async () => {
    const { channel, sent, deliver } = scripted({ heartbeat: 60_000 });
    await using _ = channel;
    const subscriber = new RecordingSubscriber();
    channel.subscribe(subscriber);
    await expect.poll(() => sent).toEqual([expect.stringMatching(/^grant:[0-9a-f-]{36} beat 1$/)]);
    const other = "grant:00000000-0000-4000-8000-000000000000";
    for (const message of ["", undefined, "grant:", "grant:x beat 1", `${other} beat 1`, "grants:1 2"])
      deliver(message);
    deliver(sent[0], "another_channel");
    expect(subscriber.connections).toEqual([]);
    deliver(sent[0]);
    expect(subscriber.connections).toEqual(["up"]);
    deliver(`${other} ${sha256Name("a")}`);
    deliver(`${other} a key`);
    expect(subscriber.heard).toEqual([sha256Name("a")]);
  });

  it("is told to the other subscribers of this process without Postgres", async () => {
    const { channel } = scripted({ heartbeat: 60_000 });
    await using _ = channel;
    const [one, other] = [new RecordingSubscriber(), new RecordingSubscriber()];
    const subscription = channel.subscribe(one);
    channel.subscribe(other);
    await subscription.publish(sha256Name("a"));
    expect([one.heard, other.heard]).toEqual([[], [sha256Name("a")]]);
  });

  it("is told as everything where another instance could not tell all", async () => {
    const { channel, sent, deliver } = scripted({ heartbeat: 60_000 });
    await using _ = channel;
    const subscriber = new RecordingSubscriber();
    channel.subscribe(subscriber);
    await expect.poll(() => sent.length).toBe(1);
    deliver("grant:00000000-0000-4000-8000-000000000000 *");
    expect(subscriber.heard).toEqual(["all"]);
  });

  it("is nothing any more once the channel is closed", async () => {
    const { channel, listeners, sent, deliver } = scripted({ heartbeat: 60_000 });
    const subscriber = new RecordingSubscriber();
    channel.subscribe(subscriber);
    await expect.poll(() => sent.length).toBe(1);
    await channel[Symbol.asyncDispose]();
    deliver(sent[0]);
    expect([listeners[0]?.isEnded, subscriber.connections]).toEqual([true, []]);
  });
});

describe("a message that Postgres did not take", () => {
  const names = ["a", "b", "c"].map(sha256Name);
  const unavailable = { code: "ERR_STORAGE_UNAVAILABLE" };
  const told = (sent: readonly string[]) => sent.map((message) => message.split(" ").slice(1).join(" "));

  it("is a failure, and is sent when a connection is back: the oldest first, before any later one", async () => {
    const { channel, sent, listeners, outage } = scripted({ heartbeat: 60_000 });
    await using _ = channel;
    const { publish } = channel.subscribe(new RecordingSubscriber());
    await expect.poll(() => sent.length).toBe(1);
    sent.length = 0;
    outage.isOn = true;
    for (const name of names) await expect(publish(name)).rejects.toMatchObject(unavailable);
    outage.isOn = false;
    listeners.at(-1)?.emit("end");
    await expect.poll(() => told(sent), { timeout: 5_000 }).toEqual(expect.arrayContaining(names));
    expect(told(sent).filter((message) => !message.startsWith("beat"))).toEqual(names);
  });

  it("is sent before the next message, where the listening connection was never lost", async () => {
    const { channel, sent, outage } = scripted({ heartbeat: 60_000 });
    await using _ = channel;
    const { publish } = channel.subscribe(new RecordingSubscriber());
    await expect.poll(() => sent.length).toBe(1);
    sent.length = 0;
    outage.isOn = true;
    await expect(publish(names[0] ?? "")).rejects.toMatchObject(unavailable);
    outage.isOn = false;
    await publish(names[1] ?? "");
    expect(told(sent)).toEqual(names.slice(0, 2));
  });

  it("is one of too many: then everything may have changed", async () => {
    const { channel, sent, outage } = scripted({ heartbeat: 60_000, maxUnsent: 2 });
    await using _ = channel;
    const { publish } = channel.subscribe(new RecordingSubscriber());
    await expect.poll(() => sent.length).toBe(1);
    sent.length = 0;
    outage.isOn = true;
    for (const name of names) await expect(publish(name)).rejects.toMatchObject(unavailable);
    outage.isOn = false;
    await publish(names[0] ?? "");
    expect(told(sent)).toEqual(["*"]);
  });

  it("is sent at the close, where the connection is up", async () => {
    const { channel, sent, outage } = scripted({ heartbeat: 60_000 });
    const { publish } = channel.subscribe(new RecordingSubscriber());
    await expect.poll(() => sent.length).toBe(1);
    sent.length = 0;
    outage.isOn = true;
    await expect(publish(names[0] ?? "")).rejects.toMatchObject(unavailable);
    outage.isOn = false;
    await channel[Symbol.asyncDispose]();
    expect(told(sent)).toEqual(names.slice(0, 1));
  });
});

it.each([
  ["an unknown option", { prefix: "a", listener: () => new ScriptedListener(), maxStaleness: 5 }],
  ["a queue of 0", { prefix: "a", listener: () => new ScriptedListener(), maxUnsent: 0 }],
  ["no options", undefined],
  ["no listener", { prefix: "a" }],
  ["a listener that is no function", { prefix: "a", listener: {} }],
  ["a prefix outside its alphabet", { prefix: "A", listener: () => new ScriptedListener() }],
  ["a heartbeat of 0", { prefix: "a", listener: () => new ScriptedListener(), heartbeat: 0 }],
])("refuses %s", (_, options) => {
  const build = () => Reflect.construct(PostgresInvalidation, [{ query: async () => [] }, options]);
  expect(build).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
});
