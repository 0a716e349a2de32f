import { beforeEach, expect, test, vi } from "vitest";
import { publishTransport } from "../../../src/storage/redis/publish-transport.ts";
import { errorReply } from "../../support/scripted-connection.ts";
import { ScriptedCluster, ScriptedRedis } from "../../support/scripted-redis.ts";

const settings = { channel: "the channel", sender: "the sender", timeout: 60_000 };

/** The same client, which records what is published, and answers by a GET of the channel. */
function publishing<Client extends ScriptedRedis>(redis: Client) {
  const published: string[] = [];
  const publish = (channel: string, message: string): Promise<unknown> => {
    published.push(`${channel}: ${message}`);
    return redis.get(channel);
  };
  return { redis: Object.assign(redis, { publish }), published };
}

let redis: ReturnType<typeof publishing<ScriptedRedis>>["redis"];
let published: string[];
beforeEach(() => {
  ({ redis, published } = publishing(new ScriptedRedis()));
});

test("a message says who sends it", async () => {
  const sent = publishTransport(redis, settings).send("message");
  redis.commands[0]?.answer(1);
  await sent;
  expect(published).toEqual(["the channel: the sender message"]);
});

test.each([
  ["is lost may have been sent", new Error("Connection is closed."), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  ["is refused was not", errorReply("NOPERM no permission"), "ERR_STORAGE_UNAUTHORIZED", "none"],
])("a message that %s", async (_, failure, code, effect) => {
  const sent = publishTransport(redis, settings).send("message");
  redis.commands[0]?.fail(failure);
  await expect(sent).rejects.toMatchObject({ code, effect });
});

test("a message is for no node of a Cluster: it waits for none that is being connected", () => {
  const cluster = publishing(new ScriptedCluster(1));
  for (const node of cluster.redis.masters) node.status = "connecting";
  publishTransport(cluster.redis, settings)
    .send("message")
    .catch(() => undefined);
  expect(cluster.published).toHaveLength(1);
});

test("it is ready while the client is, and says when the client is again, to whoever listens yet", () => {
  const transport = publishTransport(redis, settings);
  expect(transport.isReady).toBe(true);
  const [listener, other] = [vi.fn(), vi.fn()];
  const stop = transport.onReady(listener);
  transport.onReady(other);
  redis.become("close");
  expect(transport.isReady).toBe(false);
  redis.become("ready");
  expect([transport.isReady, listener.mock.calls.length]).toEqual([true, 1]);
  stop();
  redis.become("ready");
  expect([listener.mock.calls.length, other.mock.calls.length]).toEqual([1, 2]);
});

test("closed, it waits for what was sent, and refuses what was not", async () => {
  const transport = publishTransport(redis, settings);
  const steps: string[] = [];
  const sent = transport.send("sent").then(() => steps.push("sent"));
  redis.status = "connecting";
  const unsent = transport.send("unsent");
  const closed = transport.close().then(() => steps.push("closed"));
  await expect(unsent).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED", effect: "none" });
  expect(steps).toEqual([]);
  redis.commands[0]?.answer(1);
  await Promise.all([sent, closed]);
  expect(steps).toEqual(["sent", "closed"]);
  await expect(transport.send("late")).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED" });
});
