import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StorageUnavailableError } from "../../../src/index.ts";
import {
  MessagePublisher,
  type MessageTransport,
  requireMaxUnsent,
} from "../../../src/storage/cached/message-publisher.ts";

const retryInterval = 3_600_000;
const refused = new StorageUnavailableError("It was not taken.");

/** A transport whose every message waits for the test to say whether it is taken. */
class HeldTransport implements MessageTransport {
  isReady = true;
  readonly readyListeners = new Set<() => void>();
  readonly underWay: { readonly message: string; take(): void; refuse(): void }[] = [];

  send(message: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => () => {
        this.underWay.splice(this.underWay.indexOf(call), 1);
        settle();
      };
      const call = { message, take: end(resolve), refuse: end(() => reject(refused)) };
      this.underWay.push(call);
    });
  }

  onReady(listener: () => void): () => void {
    this.readyListeners.add(listener);
    return () => this.readyListeners.delete(listener);
  }

  isClosed = false;

  async close(): Promise<void> {
    this.isClosed = true;
  }

  get messages(): string[] {
    return this.underWay.map(({ message }) => message);
  }
}

/** A publisher to which a message was lost, and what its transport has under way. */
async function afterALoss() {
  const transport = new HeldTransport();
  const publisher = new MessagePublisher(transport, { maxUnsent: 1_000, retryInterval });
  const lost = publisher.publish("lost");
  transport.underWay[0]?.refuse();
  await expect(lost).rejects.toBe(refused);
  return { transport, publisher };
}

const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await undefined;
};

it.each([0, -1, 1.5, 1_000_001, Number.NaN, Number.POSITIVE_INFINITY])("%d messages cannot be kept", (maxUnsent) => {
  expect(() => requireMaxUnsent(maxUnsent)).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
});

it("1 to 1,000,000 messages can be kept, and 10,000 are where nobody says so", () => {
  expect([1, 1_000_000, undefined].map((maxUnsent) => requireMaxUnsent(maxUnsent))).toEqual([1, 1_000_000, 10_000]);
});

describe("a publisher to which a message was lost", () => {
  it("keeps no process up while it waits for its next attempt", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const { transport, publisher } = await afterALoss();
    expect(timers()).toBe(before);
    const closed = publisher.close();
    await turns();
    transport.underWay[0]?.take();
    await closed;
  });

  it("sends it again first and alone, and then all that came meanwhile", async () => {
    const { transport, publisher } = await afterALoss();
    const published = ["a", "b", "c"].map((message) => publisher.publish(message));
    await turns();
    expect(transport.messages).toEqual(["lost"]);
    transport.underWay[0]?.take();
    await turns();
    expect(transport.messages).toEqual(["a", "b", "c"]);
    for (const call of [...transport.underWay]) call.take();
    await Promise.all(published);
    await publisher.close();
  });

  it("lets everybody's message go by itself once one was taken, however many are published meanwhile", async () => {
    const { transport, publisher } = await afterALoss();
    const first = publisher.publish("first");
    await turns();
    transport.underWay[0]?.take();
    await turns();
    // A message is always under way from here on.
    let last: Promise<void> = publisher.publish("0");
    for (let n = 1; n <= 20; n += 1) {
      const next = publisher.publish(String(n));
      await turns();
      expect(transport.messages, "nobody waits for another's message").toContain(String(n));
      transport.underWay.find(({ message }) => message === String(n - 1))?.take();
      await last;
      last = next;
    }
    transport.underWay.find(({ message }) => message === "first")?.take();
    await first;
    transport.underWay[0]?.take();
    await last;
    await publisher.close();
  });

  it("keeps what was not taken in its order, and tells everybody who waited", async () => {
    const { transport, publisher } = await afterALoss();
    const [a, b] = [publisher.publish("a"), publisher.publish("b")];
    await turns();
    transport.underWay[0]?.refuse();
    await expect(a).rejects.toBe(refused);
    await expect(b).rejects.toBe(refused);
    const c = publisher.publish("c");
    await turns();
    expect(transport.messages).toEqual(["lost"]);
    transport.underWay[0]?.take();
    await turns();
    expect(transport.messages).toEqual(["a", "b", "c"]);
    transport.underWay.find(({ message }) => message === "b")?.refuse();
    for (const call of [...transport.underWay]) call.take();
    await expect(c).rejects.toBe(refused);
    const d = publisher.publish("d");
    await turns();
    expect(transport.messages).toEqual(["b"]);
    transport.underWay[0]?.take();
    await turns();
    transport.underWay[0]?.take();
    await d;
    await publisher.close();
  });

  it("closes once everything is sent that a round has begun with", async () => {
    const { transport, publisher } = await afterALoss();
    const later = publisher.publish("later");
    await turns();
    const closing = publisher.close();
    await turns();
    transport.underWay[0]?.take();
    await turns();
    expect([transport.messages, transport.isClosed]).toEqual([["later"], false]);
    transport.underWay[0]?.take();
    await Promise.all([later, closing]);
    expect(transport.isClosed).toBe(true);
  });
});

describe("the attempts to send what was lost", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("send nothing while all that was kept is under way", async () => {
    const { transport, publisher } = await afterALoss();
    const published = publisher.publish("a");
    await turns();
    transport.underWay[0]?.take();
    await turns();
    expect(transport.messages).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(retryInterval);
    expect(transport.messages).toEqual(["a"]);
    transport.underWay[0]?.take();
    await published;
  });

  it.each(["waits", "is under way again"])("go on where a message that was lost meanwhile %s", async (what) => {
    const { transport, publisher } = await afterALoss();
    const end = (message: string, outcome: "take" | "refuse") => {
      transport.underWay.find((call) => call.message === message)?.[outcome]();
      return turns();
    };
    const waiting = () => [vi.getTimerCount(), transport.readyListeners.size];
    const published = [publisher.publish("a")];
    await turns();
    await end("lost", "take");
    const lost = expect(publisher.publish("b")).rejects.toBe(refused);
    await end("b", "refuse");
    await lost;
    if (what === "is under way again") published.push(publisher.publish("c"));
    await turns();
    expect(transport.messages).toEqual(what === "waits" ? ["a"] : ["a", "b"]);
    await end("a", "take");
    expect(waiting()).toEqual([1, 1]);
    if (what === "waits") await vi.advanceTimersByTimeAsync(retryInterval);
    await end("b", "take");
    await end("c", "take");
    await Promise.all(published);
    expect(waiting()).toEqual([0, 0]);
  });

  it.each(["the next interval", "the transport"])("wait for %s, and end with the last message", async (occasion) => {
    const { transport } = await afterALoss();
    if (occasion === "the transport") for (const listener of transport.readyListeners) listener();
    else await vi.advanceTimersByTimeAsync(retryInterval);
    expect(transport.messages).toEqual(["lost"]);
    transport.underWay[0]?.take();
    await turns();
    expect([vi.getTimerCount(), transport.readyListeners.size]).toEqual([0, 0]);
  });

  it("end when the publisher is closed: a last one is made where the transport is ready, and none where it is not", async () => {
    for (const isReady of [true, false]) {
      const { transport, publisher } = await afterALoss();
      transport.isReady = isReady;
      const closed = publisher.close();
      await turns();
      expect(transport.messages).toEqual(isReady ? ["lost"] : []);
      transport.underWay[0]?.refuse();
      await closed;
      expect([vi.getTimerCount(), transport.readyListeners.size]).toEqual([0, 0]);
      const late = publisher.publish("late");
      transport.underWay[0]?.refuse();
      await expect(late).rejects.toBe(refused);
      expect([vi.getTimerCount(), transport.readyListeners.size]).toEqual([0, 0]);
    }
  });
});
