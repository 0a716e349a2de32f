import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ConfigurationError } from "../../src/index.ts";
import { type ClientScene, openClientScene } from "../clients/client-scene.ts";
import { launchChromium } from "../support/chromium.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";

const payloads = [
  "<script>window.pwned=1</script>",
  '"><script>window.pwned=1</script>',
  "'><img src=x onerror=window.pwned=1>",
  "<svg onload=window.pwned=1>",
  "</title><script>window.pwned=1</script>",
  "</style><script>window.pwned=1</script>",
  "--><script>window.pwned=1</script>",
  "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
  "<base href=https://evil.example/>",
  "<form action=https://evil.example><button>Allow</button></form>",
  "<meta http-equiv=refresh content='0;url=https://evil.example'>",
  "<a href=javascript:window.pwned=1>Allow</a>",
  "{client}{brand}{host}<b>",
  "&lt;script&gt;window.pwned=1&lt;/script&gt;",
  "\u202eevil\u202c \u2066x\u2069",
];

let scene: ClientScene;
let browser: Browser;
let page: Page;
const requested: string[] = [];
beforeAll(async () => {
  scene = await openClientScene({ rateLimits: false });
  browser = await launchChromium();
  page = await browser.newPage();
  page.on("request", (request) => requested.push(request.url()));
});
afterAll(async () => {
  await browser?.close();
  await scene?.[Symbol.asyncDispose]();
});

const redirectUri = "https://app.example/callback?x=%22%3E%3Cscript%3E";

async function register(metadata: Record<string, unknown>): Promise<string> {
  const response = await fetch(`${scene.server.baseUrl}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: "none", ...metadata }),
  });
  expect(response.status).toBe(201);
  return (await jsonOf(response)).client_id;
}

const foreignElements =
  "script, img, svg, iframe, object, embed, base, link, a:not([href='/account']), b, meta[http-equiv]";
const countHandlers = `[...document.querySelectorAll("*")].filter((element) =>
  element.getAttributeNames().some((name) => name.startsWith("on"))).length`;

/** What a browser makes of a page: the elements that are not its own, and what ran. */
async function render(url: string) {
  requested.length = 0;
  const response = await page.goto(url);
  return {
    pwned: await page.evaluate("'pwned' in window"),
    foreign: await page.locator(foreignElements).count(),
    handlers: await page.evaluate(countHandlers),
    forms: await page.locator("form").count(),
    requests: requested.filter((other) => other !== url && !other.endsWith("/favicon.ico")),
    url: page.url(),
    policy: response?.headers()["content-security-policy"] ?? "",
    heading: await page.locator("h1").textContent(),
  };
}

const harmless = { pwned: false, foreign: 0, handlers: 0, requests: [] };

it.each(payloads)(
  "a client whose name, documents and contacts are %j runs nothing on the consent page",
  async (payload) => {
    const client_id = await register({
      client_name: payload,
      client_uri: "https://app.example/",
      contacts: [payload],
      software_id: payload,
      software_version: payload,
    });
    const url = `${scene.server.baseUrl}/authorize?${new URLSearchParams({
      response_type: "code",
      client_id,
      redirect_uri: redirectUri,
      state: payload,
      code_challenge: pkce().challenge,
      code_challenge_method: "S256",
    })}`;
    const rendered = await render(url);
    expect(rendered).toMatchObject({ ...harmless, forms: 1, url });
    expect(rendered.heading).toMatch(/^Allow /);
    expect(rendered.policy).toContain("default-src 'none'");
    expect(rendered.policy).not.toContain("script-src");
  },
);

it.each(payloads)("%j in a request that cannot be answered runs nothing on the error page", async (payload) => {
  for (const path of [
    `/authorize?${new URLSearchParams({ client_id: payload, redirect_uri: payload, state: payload })}`,
    `/pangea/callback?${new URLSearchParams({ state: payload, error: payload, error_description: payload })}`,
    `/pangea/callback?${new URLSearchParams([
      ["state", payload],
      ["state", payload],
    ])}`,
  ]) {
    const url = scene.server.baseUrl + path;
    expect(await render(url)).toMatchObject({ ...harmless, forms: 0, url });
  }
});

it("an operator's own texts and colours cannot open the page either", async () => {
  const consent = { brandName: payloads[1] ?? "", scopeDescriptions: { user: payloads[2] ?? "" } };
  const harness = new ProviderHarness({ ...providerOptions("https://login.example"), consent });
  const { client_id } = await harness.register();
  const { html } = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge });
  expect(html).not.toMatch(/<script|<img/);
  for (const accentColour of ["red;}</style><script>", "url(https://evil.example)", "expression(1)"]) {
    const wrong = { ...providerOptions("https://login.example"), consent: { accentColour } };
    expect(() => new ProviderHarness(wrong)).toThrow(ConfigurationError);
  }
});

it("no answer to a script is a page, whatever a caller writes into it", async () => {
  for (const payload of payloads) {
    for (const path of ["/token", "/revoke", "/register"]) {
      const response = await fetch(scene.server.baseUrl + path, {
        method: "POST",
        headers: { "content-type": path === "/register" ? "application/json" : "application/x-www-form-urlencoded" },
        body:
          path === "/register"
            ? JSON.stringify({ redirect_uris: [payload] })
            : new URLSearchParams({ grant_type: payload }),
      });
      expect(response.headers.get("content-type")).toMatch(/^application\/json/);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    }
  }
});
