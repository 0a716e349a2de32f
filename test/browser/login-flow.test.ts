import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type AuthorizationScene,
  ada,
  allowButton,
  denyButton,
  fillInLogin,
  logIn,
  openAuthorizationScene,
  openPage,
  signInButton,
} from "./authorization-scene.ts";

let scene: AuthorizationScene;
beforeAll(async () => {
  scene = await openAuthorizationScene({ consent: { brandName: "Acme Notes" } });
});
afterAll(() => scene?.[Symbol.asyncDispose]());

it("leads from the client over consent and Pangea's login back to the client, with a code that it can redeem", async () => {
  const client = await scene.startClient();
  const page = await openPage(scene);
  const url = client.authorizationUrl();
  await page.goto(url);
  await page.getByRole("heading", { name: "Allow Scribe?" }).waitFor();
  await allowButton(page).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  expect(new URL(page.url()).origin).toBe(scene.emulator.issuerUrl);
  await logIn(page, client);

  const [answer, ...others] = client.answers;
  expect(others).toEqual([]);
  expect(answer).toEqual({
    code: expect.stringMatching(/^\S{40,}$/),
    error: null,
    state: new URL(url).searchParams.get("state"),
    iss: scene.server.provider.issuer,
    redirectUri: client.redirectUri,
  });
  expect(await scene.pangeaUser(await client.redeem(answer))).toBe(ada.username);
});

it("brings a no to the client as access_denied, with iss and state, before Pangea has heard of it", async () => {
  const client = await scene.startClient();
  const page = await openPage(scene);
  const url = client.authorizationUrl();
  await page.goto(url);
  const callsBefore = scene.emulator.calls.snapshot();
  await denyButton(page).click();
  await page.getByRole("heading", { name: "Not connected" }).waitFor();
  expect(client.answers).toEqual([
    {
      code: null,
      error: "access_denied",
      state: new URL(url).searchParams.get("state"),
      iss: scene.server.provider.issuer,
      redirectUri: client.redirectUri,
    },
  ]);
  expect(scene.emulator.calls.snapshot()).toEqual(callsBefore);
});

it("brings a login that was cancelled at Pangea to the client as access_denied", async () => {
  const client = await scene.startClient();
  const page = await openPage(scene);
  await page.goto(client.authorizationUrl());
  await allowButton(page).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("heading", { name: "Not connected" }).waitFor();
  expect(client.answers).toMatchObject([{ error: "access_denied", iss: scene.server.provider.issuer }]);
});

it("lets a person who mistypes the password try again in the same login", async () => {
  const client = await scene.startClient();
  const page = await openPage(scene);
  await page.goto(client.authorizationUrl());
  await allowButton(page).click();
  await fillInLogin(page, { ...ada, password: "not the password" });
  await signInButton(page).click();
  await page.getByText("Wrong username or password.").waitFor();
  await logIn(page, client);
  expect(await scene.pangeaUser(await client.redeem(client.answers[0]))).toBe(ada.username);
});

it("reaches a client that listens on the IPv6 loopback, whether the person allows it or not", async () => {
  const client = await scene.startClient("Six", {}, "[::1]");
  for (const decide of [denyButton, allowButton]) {
    const page = await openPage(scene);
    await page.goto(client.authorizationUrl());
    await decide(page).click();
    if (decide === allowButton) {
      await fillInLogin(page);
      await signInButton(page).click();
    }
    await page.waitForURL((url) => url.href.startsWith(`${client.redirectUri}?`));
  }
  expect(client.answers).toMatchObject([{ error: "access_denied" }, { code: expect.any(String) }]);
});

it("brings the answer back to a client that opened the login in a popup window", async () => {
  const client = await scene.startClient();
  const page = await openPage(scene);
  await page.goto(client.popupUrl(client.authorizationUrl()));
  const opened = page.waitForEvent("popup");
  await page.getByRole("button", { name: "Connect" }).click();
  const popup = await opened;
  await allowButton(popup).click();
  await fillInLogin(popup);
  await Promise.all([popup.waitForEvent("close"), signInButton(popup).click()]);
  await page.getByRole("heading", { name: "Connected in a popup" }).waitFor();
  expect(client.answers).toMatchObject([{ code: expect.any(String), iss: scene.server.provider.issuer }]);
});
