import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium } from "../support/chromium.ts";
import { type AccountScene, openAccountScene } from "./account-scene.ts";

const user = "ada@example.com";

let browser: Browser;
let scene: AccountScene;
beforeAll(async () => {
  browser = await launchChromium();
  // Below a path, where the cookie of the session has to find its page too.
  scene = await openAccountScene({}, { path: "/notes" });
});
afterAll(async () => {
  await browser?.close();
  await scene?.[Symbol.asyncDispose]();
});

async function openPage(options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(20_000);
  return context.newPage();
}

describe("the account page in Chromium", () => {
  it("works without scripts: signing in, ending one, ending all, signing out", async () => {
    const [scribe, other] = [await scene.register("Scribe"), await scene.register("Other")];
    for (const client of [scribe, other, other]) await scene.allow(client, user);
    const page = await openPage({ javaScriptEnabled: false });
    await scene.signIn(page, user);
    await page.getByRole("button", { name: "End access Scribe" }).click();
    await page.getByRole("status").getByText("Scribe has no access any more.").waitFor();
    expect(await page.getByRole("article").count()).toBe(1);
    await page.getByText("2 logins of this application").click();
    await page
      .getByRole("button", { name: /^End this login/ })
      .first()
      .click();
    await page.getByText("One login of Other is over.").waitFor();
    await page.getByText("End all access").click();
    await page.getByRole("button", { name: "End access of all applications" }).click();
    await page.getByText("All access was ended.").waitFor();
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByRole("heading", { name: "You are signed out." }).waitFor();
    await page.goto(`${scene.baseUrl}/account`);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
  });

  it("says the same once: a reload shows the page, and sends no form again", async () => {
    const client = await scene.register("Reloaded");
    await scene.allow(client, user);
    const page = await openPage();
    await scene.signIn(page, user);
    await page.getByRole("button", { name: "End access Reloaded" }).click();
    await page.getByRole("status").waitFor();
    await scene.allow(client, user);
    await page.reload();
    await page.getByRole("button", { name: "End access Reloaded" }).waitFor();
  });

  it("can be used with the keyboard alone, and says to a screen reader which application a button is for", async () => {
    await scene.allow(await scene.register("Keyed"), "grace@example.com");
    const page = await openPage();
    await scene.signIn(page, "grace@example.com");
    await page.keyboard.press("Tab");
    const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
    expect(outline).toBe("solid");
    const spoken = await page.locator("main").ariaSnapshot();
    for (const line of ['- heading "Keyed" [level=2]', '- button "End access Keyed"', '- article "Keyed"']) {
      expect(spoken).toContain(line);
    }
    await page.keyboard.press("Enter");
    await page.getByText("Keyed has no access any more.").waitFor();
  });

  it("does not show in another site's frame, and is not acted upon by another site's form", async () => {
    const person = "frank@example.com";
    const client = await scene.register("Framed");
    await scene.allow(client, person);
    const page = await openPage();
    await scene.signIn(page, person);
    const framed = `<!doctype html><iframe src="${scene.baseUrl}/account"></iframe>`;
    const forged = `<!doctype html><form method="post" action="${scene.baseUrl}/account"><input name="action" value="end-all"><button>Win</button></form>`;
    await page.route("http://evil.example/*", (route) => {
      const body = route.request().url().endsWith("frame") ? framed : forged;
      return route.fulfill({ contentType: "text/html", body });
    });
    await page.goto("http://evil.example/frame");
    expect(await page.frameLocator("iframe").getByRole("button").count()).toBe(0);
    await page.goto("http://evil.example/form");
    await page.getByRole("button", { name: "Win" }).click();
    await page.getByRole("heading", { name: "That did not work" }).waitFor();
    await page.getByRole("link", { name: "Open the page again" }).click();
    await page.getByRole("button", { name: "End access Framed" }).waitFor();
  });

  it("is where the link of the consent page leads, in another tab", async () => {
    const client = await scene.register("Linked");
    const page = await openPage();
    const parameters = new URLSearchParams({
      response_type: "code",
      client_id: client,
      redirect_uri: "http://127.0.0.1:4999/callback",
      code_challenge: "c".repeat(43),
      code_challenge_method: "S256",
    });
    await page.goto(`${scene.baseUrl}/authorize?${parameters}`);
    const opened = page.context().waitForEvent("page");
    await page.getByRole("link", { name: /What you have allowed so far/ }).click();
    await (await opened).getByRole("button", { name: "Sign in" }).waitFor();
    await page.getByRole("button", { name: "Allow" }).waitFor();
  });
});
