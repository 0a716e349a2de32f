import { expect, test } from "vitest";
import { InMemoryInvalidationChannel } from "../../../src/storage/cached/in-memory-invalidation-channel.ts";
import { type InvalidationSubscriber, sha256Name } from "../../../src/storage/cached/invalidation.ts";
import { cachedSetup } from "../../support/cached-setup.ts";

function listener(): InvalidationSubscriber & { readonly heard: string[] } {
  const heard: string[] = [];
  return {
    heard,
    onInvalidate: (names) => heard.push(...(names === "all" ? ["all"] : names)),
    onConnectionChange: (connection) => heard.push(connection),
  };
}

test("a subscriber is connected at once and hears what the others publish, not its own", async () => {
  const channel = new InMemoryInvalidationChannel();
  const [one, other] = [listener(), listener()];
  const subscription = channel.subscribe(one);
  channel.subscribe(other);
  await subscription.publish("name");
  expect(one.heard).toEqual(["up"]);
  expect(other.heard).toEqual(["up", "name"]);
});

test("a subscription that has ended hears nothing more", async () => {
  const channel = new InMemoryInvalidationChannel();
  const [one, other] = [listener(), listener()];
  const subscription = channel.subscribe(one);
  await channel.subscribe(other)[Symbol.asyncDispose]();
  await subscription.publish("name");
  expect(other.heard).toEqual(["up"]);
});

test("what a cache publishes is the hash of a key", async () => {
  const channel = new InMemoryInvalidationChannel();
  const other = listener();
  channel.subscribe(other);
  const { cache } = cachedSetup({ invalidation: channel });
  await cache.delete("a-secret-key");
  expect(other.heard).toEqual(["up", sha256Name("a-secret-key")]);
});

test("only a text has a hash", () => {
  expect(() => Reflect.apply(sha256Name, undefined, [5])).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
});

test("two channels do not hear each other", async () => {
  const [one, other] = [listener(), listener()];
  const subscription = new InMemoryInvalidationChannel().subscribe(one);
  new InMemoryInvalidationChannel().subscribe(other);
  await subscription.publish("name");
  expect(other.heard).toEqual(["up"]);
});
