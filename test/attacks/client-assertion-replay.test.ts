import { expect, it } from "vitest";
import { answerTo, known, refused } from "../support/signing-client.ts";
import { SigningScene } from "../support/signing-scene.ts";

it("an assertion that was overheard is refused by every instance, until it ends by itself", async () => {
  await using scene = await SigningScene.open();
  const assertion = await scene.key.sign(scene.claims());
  const first = scene.instance();
  expect(await answerTo(first, assertion)).toBe(known);
  for (const seconds of [0, 59, 30, 1, 1, 600]) {
    scene.site.clock.advanceSeconds(seconds);
    for (const instance of [first, scene.instance()]) expect(await answerTo(instance, assertion)).toBe(refused);
  }
});

it("of two instances that are shown it at the same time, one takes it", async () => {
  await using scene = await SigningScene.open();
  const assertion = await scene.key.sign(scene.claims());
  const answers = await Promise.all([scene.instance(), scene.instance()].map((one) => answerTo(one, assertion)));
  expect(answers.sort()).toEqual([known, refused]);
});

it("an assertion with the same jti that is signed anew counts as the same", async () => {
  await using scene = await SigningScene.open();
  const claims = scene.claims();
  expect(await answerTo(scene.instance(), await scene.key.sign(claims))).toBe(known);
  expect(await answerTo(scene.instance(), await scene.key.sign(claims))).toBe(refused);
});
