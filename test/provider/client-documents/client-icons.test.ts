import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { ClientSite, clientId, documentWith } from "./client-site.ts";

/** A red dot. */
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const logo_uri = "https://client.example/logo.png";

let site: ClientSite;
beforeAll(async () => {
  site = await ClientSite.open();
});
afterAll(() => site[Symbol.asyncDispose]());

/** What the site answers where its icon is. */
let icon: { readonly type: string; readonly body: Buffer; readonly status?: number };
beforeEach(() => {
  icon = { type: "image/png", body: Buffer.from(png, "base64") };
  site.requests.length = 0;
  site.answers = [["93.184.215.14"]];
  site.handler = (request, response) => {
    if (!request.url?.startsWith("/logo")) {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(documentWith({ logo_uri })));
      return;
    }
    response.writeHead(icon.status ?? 200, { "content-type": icon.type });
    response.end(icon.body);
  };
});

const start = (options = {}) =>
  new ProviderHarness(
    { ...providerOptions("https://login.example"), clock: site.clock.read, ...options },
    site.network,
  );

async function pageOf(harness: ProviderHarness) {
  const request = { redirect_uri: "https://client.example/callback", code_challenge: pkce().challenge };
  const { html, response } = await harness.openConsentPage({ client_id: clientId, ...request });
  return { image: /<img[^>]* src="([^"]*)"/.exec(html)?.[1], policy: response.headers.get("content-security-policy") };
}

const fetched = () => site.requests.filter(({ url }) => url?.startsWith("/logo")).length;

describe("the icon of a client with a metadata document", () => {
  it("is shown as data, and fetched once", async () => {
    const harness = start();
    for (let opened = 0; opened < 3; opened += 1) {
      const { image, policy } = await pageOf(harness);
      expect(image).toBe(`data:image/png;base64,${png}`);
      expect(policy).toContain("img-src data:;");
    }
    expect(fetched()).toBe(1);
  });

  it.each([
    ["is too large", { type: "image/png", body: Buffer.concat([Buffer.from(png, "base64"), Buffer.alloc(33_000)]) }],
    ["is SVG", { type: "image/svg+xml", body: Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>") }],
    ["is a page that says that it is a picture", { type: "image/png", body: Buffer.from("<script>1</script>") }],
    ["is said to be something else", { type: "text/html", body: Buffer.from(png, "base64") }],
    ["is not there", { type: "image/png", body: Buffer.from(png, "base64"), status: 404 }],
    ["is behind a redirect", { type: "image/png", body: Buffer.from(png, "base64"), status: 302 }],
  ])("is left out where it %s, and its site left alone for ten minutes", async (_, answer) => {
    const harness = start();
    icon = answer;
    for (let opened = 0; opened < 2; opened += 1) {
      const { image, policy } = await pageOf(harness);
      expect(image).toBeUndefined();
      expect(policy).toContain("img-src 'none'");
    }
    expect(fetched()).toBe(1);
    site.clock.advanceSeconds(601);
    await pageOf(harness);
    expect(fetched()).toBe(2);
  });

  it("is not fetched from an address of our own network", async () => {
    site.answers = [["93.184.215.14"], ["10.0.0.1"]];
    expect((await pageOf(start())).image).toBeUndefined();
    expect(fetched()).toBe(0);
  });

  it("is not fetched from a domain that is not trusted", async () => {
    const harness = start({ clientMetadataDocuments: { allowedDomains: ["client.example"] } });
    expect((await pageOf(harness)).image).toBeDefined();
    site.handler = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(documentWith({ logo_uri: "https://other.example/logo.png" })));
    };
    const other = start({ clientMetadataDocuments: { allowedDomains: ["client.example"] } });
    expect((await pageOf(other)).image).toBeUndefined();
    expect(site.lookups.at(-1)).toBe("client.example");
  });
});

it("a client that has registered itself has no icon, and its site is not asked", async () => {
  const harness = start();
  const { client_id } = await harness.register({ logo_uri });
  const { html } = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge });
  expect(html).not.toContain("<img");
  expect(site.requests).toEqual([]);
});
