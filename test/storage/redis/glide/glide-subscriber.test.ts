import { expect, test } from "vitest";
import type { GlideListener } from "../../../../src/storage/redis/glide/glide-like.ts";
import { GlideSubscriber } from "../../../../src/storage/redis/glide/glide-subscriber.ts";
import { withResolvers } from "../../../../src/storage/with-resolvers.ts";

/** A client of GLIDE whose second one is made when the test says so, and whose connection the test makes anew. */
class ScriptedGlide implements GlideListener {
  static readonly gates: { resolve(client: ScriptedGlide): void; reject(error: unknown): void }[] = [];

  static createClient(): Promise<ScriptedGlide> {
    const { promise, resolve, reject } = withResolvers<ScriptedGlide>();
    ScriptedGlide.gates.push({ resolve, reject });
    return promise;
  }

  readonly config = {};
  connectionId = 1;
  isAway = false;
  closed = false;

  async customCommand([command]: string[]): Promise<unknown> {
    if (this.isAway) throw new Error("timed out");
    return command === "CLIENT" ? this.connectionId : "run_id:abc";
  }

  async subscribe(): Promise<void> {}

  close(): void {
    this.closed = true;
  }
}

function scripted(): { subscriber: GlideSubscriber; events: string[] } {
  ScriptedGlide.gates.length = 0;
  const subscriber = new GlideSubscriber(new ScriptedGlide(), 1_000);
  const events: string[] = [];
  for (const event of ["ready", "close"]) subscriber.on(event, () => events.push(event));
  return { subscriber, events };
}

test("a connection that GLIDE made anew in silence is one that was lost and came back", async () => {
  const { subscriber, events } = scripted();
  const client = new ScriptedGlide();
  const connecting = subscriber.connect();
  ScriptedGlide.gates[0]?.resolve(client);
  await connecting;
  await subscriber.subscribe("channel");
  await subscriber.ping();
  expect(events).toEqual(["ready"]);
  client.connectionId = 2;
  await subscriber.ping();
  expect(events).toEqual(["ready", "close", "ready"]);
});

test("a sign of life that does not come is a loss, once, until it comes again", async () => {
  const { subscriber, events } = scripted();
  const client = new ScriptedGlide();
  const connecting = subscriber.connect();
  ScriptedGlide.gates[0]?.resolve(client);
  await connecting;
  await subscriber.subscribe("channel");
  client.isAway = true;
  await subscriber.ping();
  expect(events).toEqual(["ready", "close"]);
  client.isAway = false;
  await subscriber.ping();
  expect(events).toEqual(["ready", "close", "ready"]);
});

test("a client that comes after the listener was closed is closed too", async () => {
  const { subscriber, events } = scripted();
  const client = new ScriptedGlide();
  const connecting = subscriber.connect();
  subscriber.disconnect();
  ScriptedGlide.gates[0]?.resolve(client);
  await connecting;
  expect(client.closed).toBe(true);
  expect(events).toEqual(["close"]);
  expect(subscriber.status).toBe("end");
});
