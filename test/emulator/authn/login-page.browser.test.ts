import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "../../support/chromium.ts";
import { ada, authorizationRequest, exchange, redirectUri, type ServedAuthn, serveAuthn } from "./served-authn.ts";

let served: ServedAuthn;
let browser: Browser;

beforeAll(async () => {
  served = await serveAuthn();
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  await served[Symbol.asyncDispose]();
});

async function openLogin(options: BrowserContextOptions = {}) {
  const request = await authorizationRequest(served, { scope: "openid user" });
  const context = await browser.newContext(options);
  const page = await context.newPage();
  // Nothing listens at the client's address: that the browser asks for it is all there is to see.
  const callback = new Promise<URL>((resolve) => {
    page.on("request", (sent) => {
      if (sent.url().startsWith(`${redirectUri}?`)) resolve(new URL(sent.url()));
    });
  });
  await page.goto(request.url.href);
  return { context, page, request, callback };
}

/** A page takes its focus when it is first drawn, which may be after it has loaded. */
async function focused(page: Page, label: string): Promise<void> {
  await page.getByLabel(label).and(page.locator(":focus")).waitFor();
}

test("a person signs in with the keyboard alone, and without scripts", async () => {
  const { context, page, request, callback } = await openLogin({ javaScriptEnabled: false });

  await focused(page, "Username or email");
  await page.keyboard.type(ada.username);
  await page.keyboard.press("Tab");
  await page.keyboard.type(ada.password);
  await page.keyboard.press("Enter");

  expect(await exchange(served, await callback, request)).toMatchObject({ scope: "openid user" });
  await context.close();
});

test("a person who cancels is sent back with access_denied", async () => {
  const { context, page, callback } = await openLogin();

  await page.getByRole("button", { name: "Cancel" }).click();

  expect((await callback).searchParams.get("error")).toBe("access_denied");
  await context.close();
});

test("a wrong password is announced, and the next try starts at the password", async () => {
  const { context, page, callback } = await openLogin();
  await page.getByLabel("Username or email").fill(ada.username);
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();

  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("alert").textContent()).toBe("Wrong username or password.");
  expect(await page.getByLabel("Username or email").inputValue()).toBe(ada.username);
  await focused(page, "Password");
  await page.keyboard.type(ada.password);
  await page.keyboard.press("Enter");

  expect((await callback).searchParams.has("code")).toBe(true);
  await context.close();
});

test("the page's own policy lets its style through", async () => {
  const { context, page } = await openLogin();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  await page.reload();

  const radius = await page.evaluate("getComputedStyle(document.querySelector('main')).borderRadius");

  expect(radius).toBe("16px");
  expect(complaints).toStrictEqual([]);
  await context.close();
});

test.each([
  ["phone", { width: 320, height: 640 }],
  ["desktop", { width: 1280, height: 800 }],
])("the page fits a %s without scrolling sideways", async (_name, viewport) => {
  const { context, page } = await openLogin({ viewport });

  const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");

  expect(overflow).toBeLessThanOrEqual(0);
  await context.close();
});
