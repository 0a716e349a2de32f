import { expect, it } from "vitest";
import { ClientSite, clientId, documentWith } from "../provider/client-documents/client-site.ts";
import { launchChromium } from "../support/chromium.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";

/** A red dot. */
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

it("Chromium shows the icon of a client, and asks nobody for it", async () => {
  await using site = await ClientSite.open();
  site.handler = (request, response) => {
    const isLogo = request.url === "/logo.png";
    response.writeHead(200, { "content-type": isLogo ? "image/png" : "application/json" });
    const document = JSON.stringify(documentWith({ logo_uri: "https://client.example/logo.png" }));
    response.end(isLogo ? Buffer.from(png, "base64") : document);
  };
  const options = { ...providerOptions("https://login.example"), clock: site.clock.read };
  const harness = new ProviderHarness(options, site.network);
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.route("**", async (route) => {
      const answer = await harness.provider.fetch(new Request(route.request().url()));
      await route.fulfill({
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: await answer.text(),
      });
    });
    const requests: string[] = [];
    page.on("request", (request) => requests.push(new URL(request.url()).protocol));
    const request = { client_id: clientId, redirect_uri: "https://client.example/callback" };
    const path = harness.authorizePath({ ...request, code_challenge: pkce().challenge });
    await page.goto(harness.baseUrl + path);
    expect(await page.evaluate("document.querySelector('img.icon').naturalWidth")).toBe(1);
    expect(requests.filter((protocol) => protocol !== "data:")).toEqual(["http:"]);
  } finally {
    await browser.close();
  }
});
