import { expect, it } from "vitest";
import { answerTo, known, refused, SigningKey } from "../support/signing-client.ts";
import { SigningScene } from "../support/signing-scene.ts";

it("forged assertions make this server ask the client's site once in 30 seconds", async () => {
  await using scene = await SigningScene.open();
  const instance = scene.instance();
  expect(await answerTo(instance, await scene.key.sign(scene.claims()))).toBe(known);
  const forger = await SigningKey.generate();
  const forge = async () => {
    const assertions = await Promise.all(Array.from({ length: 20 }, () => forger.sign(scene.claims())));
    for (const assertion of assertions) expect(await answerTo(instance, assertion)).toBe(refused);
  };
  for (const asked of [2, 3, 4]) {
    await forge();
    scene.site.clock.advanceSeconds(29);
    await forge();
    expect(scene.site.requests).toHaveLength(asked);
    scene.site.clock.advanceSeconds(1);
  }
  expect(await answerTo(instance, await scene.key.sign(scene.claims()))).toBe(known);
});

it("nor do they while the site is down", async () => {
  await using scene = await SigningScene.open();
  const instance = scene.instance();
  expect(await answerTo(instance, await scene.key.sign(scene.claims()))).toBe(known);
  scene.site.handler = (_request, response) => response.writeHead(503).end();
  const forger = await SigningKey.generate();
  for (let count = 0; count < 20; count += 1) await answerTo(instance, await forger.sign(scene.claims()));
  expect(scene.site.requests).toHaveLength(2);
  expect(await answerTo(instance, await scene.key.sign(scene.claims()))).toBe(known);
});
