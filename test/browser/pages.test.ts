import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AuthorizationScene,
  ada,
  allowButton,
  denyButton,
  logIn,
  openAuthorizationScene,
  openPage,
  signInButton,
} from "./authorization-scene.ts";
import { openShownPages, type ShownPages, shownPageNames } from "./shown-pages.ts";
import { startWebClient } from "./web-client.ts";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

let scene: AuthorizationScene;
beforeAll(async () => {
  scene = await openAuthorizationScene({
    consent: {
      brandName: "Acme Notes",
      scopeDescriptions: { user: "Read your notes", admin: "Change and delete your notes" },
    },
  });
});
afterAll(() => scene?.[Symbol.asyncDispose]());

let shown: ShownPages;
beforeAll(async () => {
  shown = await openShownPages();
});
afterAll(() => shown?.[Symbol.asyncDispose]());

/** Finds each application of the account page. */
async function articlesOf(page: Page): Promise<string[]> {
  const count = await page.locator("article").count();
  return Array.from({ length: count }, (_, index) => `article:nth-of-type(${index + 1})`);
}

/** Opens the consent page or an error page in a browser with these settings. */
const kinds = {
  consent: async (page: Page, metadata: Record<string, unknown> = {}) => {
    const client = await scene.startClient("Scribe", metadata);
    await page.goto(client.authorizationUrl());
    return client;
  },
  error: async (page: Page) => {
    await page.goto(`${scene.server.baseUrl}/authorize?client_id=nobody`);
  },
  /** A client without a name, with a redirect URI that is folded. */
  unnamed: async (page: Page) => openDistant(page),
  /** An error of a client that nobody has allowed, with the link to it. */
  leave: async (page: Page) => openDistant(page, { resource: "https://other.example/mcp" }),
};

const distant = `https://app.example/callback?tenant=${"0a1b2c3d".repeat(20)}`;

async function openDistant(page: Page, parameters: Record<string, string> = {}): Promise<void> {
  const client = await scene.startClient("", { redirect_uris: [distant] });
  await page.goto(client.authorizationUrl({ redirect_uri: distant, ...parameters }));
}

const active = (page: Page) => page.evaluate("document.activeElement.value ?? document.activeElement.tagName");

describe("the consent page", () => {
  it("says to a screen reader who asks, for what, and what can be done", async () => {
    const page = await openPage(scene);
    const client = await kinds.consent(page);
    const { host } = new URL(client.redirectUri);
    expect(await page.title()).toBe("Allow Scribe? · Acme Notes");
    expect(await page.getAttribute("html", "lang")).toBe("en");
    const spoken = await page.locator("main").ariaSnapshot();
    for (const line of [
      '- heading "Allow Scribe?" [level=1]',
      '- heading "It will be able to" [level=2]',
      "  - listitem: Read your notes",
      "  - listitem: Change and delete your notes",
      "- note:",
      '- button "Deny"',
      '- button "Allow"',
    ]) {
      expect(spoken).toContain(line);
    }
    expect(spoken).toContain(host);
  });

  it("can be answered with the keyboard alone, and shows where the keyboard is", async () => {
    const page = await openPage(scene);
    const client = await kinds.consent(page);
    await page.keyboard.press("Tab");
    expect(await active(page)).toBe("deny");
    await page.keyboard.press("Tab");
    expect(await active(page)).toBe("allow");
    const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
    expect(outline).toBe("solid");
    await page.keyboard.press("Enter");
    await logIn(page, client);
    expect(client.answers).toHaveLength(1);
  });

  it("is not answered by Enter before a button is chosen", async () => {
    const page = await openPage(scene);
    const client = await kinds.consent(page);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Space");
    await expect(page.getByRole("heading", { name: "Allow Scribe?" }).isVisible()).resolves.toBe(true);
    expect(client.answers).toEqual([]);
  });

  it("works without scripts, from the request to the client", async () => {
    const page = await openPage(scene, { javaScriptEnabled: false });
    const client = await kinds.consent(page);
    await allowButton(page).click();
    await logIn(page, client);
    expect(await scene.pangeaUser(await client.redeem(client.answers[0]))).toBe(ada.username);
  });

  it("loads nothing, and the browser reports no breach of its policy on the way to Pangea", async () => {
    const page = await openPage(scene);
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => requests.push(request.resourceType()));
    await kinds.consent(page);
    expect(requests.filter((type) => type !== "document")).toEqual([]);
    await allowButton(page).click();
    await signInButton(page).waitFor();
    expect(complaints).toEqual([]);
  });

  it("does not show in another site's frame", async () => {
    const client = await scene.startClient();
    const page = await openPage(scene);
    const origin = new URL(client.redirectUri).origin;
    const framed = async (url: string) => {
      const body = `<!doctype html><iframe src="${url.replaceAll("&", "&amp;")}" width="600" height="600"></iframe>`;
      await page.route("**/framing-site", (route) => route.fulfill({ contentType: "text/html", body }), { times: 1 });
      await page.goto(`${origin}/framing-site`);
      return page.frameLocator("iframe").getByRole("button").count();
    };
    expect(await framed(client.popupUrl("about:blank")), "a page that may be framed").toBe(1);
    expect(await framed(client.authorizationUrl())).toBe(0);
    expect(page.frames()[1]?.url()).toBe("chrome-error://chromewebdata/");
  });

  it("shows a client of another kind as what it is: a web site, an application", async () => {
    const page = await openPage(scene);
    const redirect_uris = ["https://app.example/cb", "com.example.app:/cb"];
    const client = await startWebClient(scene.server.baseUrl, "Elsewhere", { redirect_uris });
    await page.goto(client.authorizationUrl({ redirect_uri: "https://app.example/cb" }));
    expect(await page.locator("main").textContent()).toContain("app.example");
    expect(await page.getByRole("note").count(), "no warning of a program on this computer").toBe(0);
    await page.goto(client.authorizationUrl({ redirect_uri: "com.example.app:/cb" }));
    expect(await page.locator("main").textContent()).toContain("com.example.app");
    await client[Symbol.asyncDispose]();
  });
});

describe.each(shownPageNames)("the page %s", (name) => {
  let page: Page;
  beforeAll(async () => {
    page = await openPage(shown.scene, { bypassCSP: true });
    await shown.show[name](page);
    await page.addScriptTag({ path: axe });
  });
  afterAll(() => page.context().close());

  it.each(["light", "dark"] as const)(
    "has no fault that axe finds in a %s browser, contrast included",
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      const { violations } = await page.evaluate<AxeResults>("axe.run()");
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ failureSummary }) => failureSummary)])).toEqual([]);
      const ground = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
      const [red = 0] = (/\d+/.exec(ground) ?? []).map(Number);
      expect(red < 128).toBe(colorScheme === "dark");
    },
  );

  it("fits on a narrow phone, and says nothing twice", async () => {
    await page.setViewportSize({ width: 320, height: 568 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
    // What is true of two applications is said of each.
    const parts = ["main > :is(h1, h2, p, ul, ol, details)", ...(await articlesOf(page))];
    for (const part of parts) {
      const elements = ["h1", "h2", "p", "li"].flatMap((name) => [`${part}:is(${name})`, `${part} ${name}`]);
      const texts = await page.locator(elements.join(", ")).allTextContents();
      const sentences = texts
        .flatMap((text) => text.toLowerCase().split(/[.;:?](?:\s+|$)/))
        .filter((text) => text !== "");
      expect(sentences).toEqual([...new Set(sentences)]);
    }
  });
});

it.each(["again", "wait"] as const)(
  "the page %s says what went wrong, and only at its end what to do next",
  async (name) => {
    const page = await openPage(shown.scene);
    await shown.show[name](page);
    const [fault = "", , step = ""] = await page.locator("main > p").allTextContents();
    expect(fault).not.toMatch(/\bagain\b/);
    expect(step).toMatch(/\bagain\b/);
  },
);

describe.each([
  ["a phone", { width: 320, height: 568 }],
  ["a desktop", { width: 1280, height: 800 }],
])("on %s", (_, viewport) => {
  it("nothing is cut off, however long the client's name is, and the buttons are large enough", async () => {
    const page = await openPage(scene, { viewport });
    await kinds.consent(page, { client_name: "W".repeat(200) });
    const width = await page.evaluate("document.documentElement.scrollWidth");
    expect(width).toBeLessThanOrEqual(viewport.width);
    for (const button of [allowButton(page), denyButton(page)]) {
      const box = await button.boundingBox();
      expect(box?.height).toBeGreaterThanOrEqual(44);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(viewport.width);
    }
  });
});

it("a long redirect URI unfolds by keyboard, and nothing is cut off on a phone", async () => {
  const page = await openPage(scene, { viewport: { width: 320, height: 568 } });
  await kinds.unnamed(page);
  const address = page.getByText(distant);
  expect(await address.isVisible()).toBe(false);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  expect(await address.isVisible()).toBe(true);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
});

it("an error of a client that nobody has allowed leads to it by a link, and not by itself", async () => {
  const page = await openPage(scene);
  await kinds.leave(page);
  expect(new URL(page.url()).origin).toBe(scene.server.baseUrl);
  const link = page.getByRole("link", { name: "Go to app.example" });
  const target = new URL((await link.getAttribute("href")) ?? "");
  expect(target.origin).toBe("https://app.example");
  expect(target.searchParams.get("error")).toBe("invalid_target");
});

it("an error that cannot be told to the client is shown in the same style, in words, with its code", async () => {
  const page = await openPage(scene);
  await kinds.error(page);
  expect(await page.locator("header").textContent()).toBe("Acme Notes");
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.getByText("remove this server there").waitFor();
  expect(await page.getByText("invalid_client").isVisible()).toBe(false);
  await page.locator("summary").click();
  await page.getByText("This server does not know the client_id").waitFor();
  await page.getByText("invalid_client").waitFor();
});

describe("a server with several upstreams", () => {
  it("says to a screen reader what each button and link does, and can be used with the keyboard alone", async () => {
    const page = await openPage(shown.scene, { javaScriptEnabled: false });
    await shown.show.choice(page);
    const spoken = await page.locator("main").ariaSnapshot();
    for (const line of ['- button "Allow and log in with Red Login"', '- button "Allow and log in with Blue Login"']) {
      expect(spoken).toContain(line);
    }
    const other = await openPage(shown.scene, { javaScriptEnabled: false });
    await shown.show.where(other);
    const links = await other.locator("main").ariaSnapshot();
    expect(links).toContain('- heading "Where do you want to log in?" [level=1]');
    expect(links).toContain('- link "Log in with Red Login"');
  });

  it("shows the chosen upstream first, in the accent colour, and the others behind it", async () => {
    const page = await openPage(shown.scene);
    await shown.show.chosen(page);
    const colours = await page.evaluate<string[]>(
      `[...document.querySelectorAll('button[value^="allow"]')].map((button) => getComputedStyle(button).backgroundColor)`,
    );
    expect(colours).toHaveLength(2);
    expect(colours[0]).not.toBe(colours[1]);
  });
});
