import { describe, expect, it } from "vitest";
import type { ConsentOptions } from "../../../src/index.ts";
import { ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";

function open(clientId: string, consent: ConsentOptions = {}): Promise<Response> {
  const harness = new ProviderHarness({ ...providerOptions("https://login.example"), consent });
  return harness.get(harness.authorizePath({ client_id: clientId, code_challenge: pkce().challenge }));
}

const detailsOf = (html: string) => /<details>(.*)<\/details>/s.exec(html)?.[1] ?? "";

describe("a browser that comes with a client_id that nobody has here", () => {
  it("is shown what to do in the application, and the code of the error folded away", async () => {
    const answer = await open("11111111-2222-3333-4444-555555555555", { brandName: "Acme" });
    const html = await answer.text();
    expect([answer.status, answer.headers.get("location")]).toEqual([400, null]);
    expect(html.match(/<li>/g)).toHaveLength(3);
    for (const detail of ["invalid_client", "11111111-2222-3333-4444-555555555555"]) {
      expect(detailsOf(html)).toContain(detail);
      expect(html.replace(detailsOf(html), "")).not.toContain(detail);
    }
  });

  it("is told it in the words of the configuration", async () => {
    const texts = { unknownClientTitle: "Anwendung neu verbinden", unknownClientRemove: "Bei {brand} entfernen" };
    const html = await (await open("nobody", { brandName: "Acme", texts })).text();
    expect(html).toContain("<h1>Anwendung neu verbinden</h1>");
    expect(html).toContain("<li>Bei <bdi>Acme</bdi> entfernen</li>");
  });

  it("runs nothing that the id brings along, and shows no more of it than fits", async () => {
    const html = await (await open(`<script>alert(1)</script>${"x".repeat(5000)}`)).text();
    expect(html).not.toContain("<script>");
    expect(html).toContain("&lt;script&gt;");
    expect(html).not.toContain("x".repeat(201));
  });

  it("is not shown it where the client is known and something else is wrong", async () => {
    const harness = new ProviderHarness(providerOptions("https://login.example"));
    const { client_id } = await harness.register();
    const redirect_uri = "https://other.example/";
    const path = harness.authorizePath({ client_id, redirect_uri, code_challenge: pkce().challenge });
    expect(await (await harness.get(path)).text()).not.toContain("<details>");
  });
});
