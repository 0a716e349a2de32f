import { expect, it } from "vitest";
import { answerTo, known, refused } from "../support/signing-client.ts";
import { SigningScene } from "../support/signing-scene.ts";

const here = "http://localhost:8000";
const mallorys = "https://mallory.example";

it("an assertion that the client made for another server as well is not taken from that server", async () => {
  await using scene = await SigningScene.open();
  const instance = scene.instance();
  for (const aud of [[here, mallorys], [mallorys, here], [`${here}/token`, mallorys], mallorys, [mallorys]]) {
    expect(await answerTo(instance, await scene.key.sign(scene.claims({ aud }))), JSON.stringify(aud)).toBe(refused);
  }
});

it("the client itself gets in with an assertion for this server alone", async () => {
  await using scene = await SigningScene.open();
  for (const aud of [here, [here], `${here}/token`]) {
    expect(await answerTo(scene.instance(), await scene.key.sign(scene.claims({ aud })))).toBe(known);
  }
});
