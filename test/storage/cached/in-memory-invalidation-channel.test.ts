import { expect, test } from "vitest";
import { InMemoryInvalidationChannel } from "../../../src/storage/cached/in-memory-invalidation-channel.ts";
import type { InvalidationSubscriber } from "../../../src/storage/cached/invalidation.ts";

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

test("two channels do not hear each other", async () => {
  const [one, other] = [listener(), listener()];
  const subscription = new InMemoryInvalidationChannel().subscribe(one);
  new InMemoryInvalidationChannel().subscribe(other);
  await subscription.publish("name");
  expect(other.heard).toEqual(["up"]);
});
