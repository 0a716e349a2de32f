import { describe, expect, it } from "vitest";
import { ClientDocuments } from "../../../src/provider/client-documents/client-documents.ts";
import type {
  ClientDocumentsOptions,
  FetchDocument,
} from "../../../src/provider/configuration/client-documents-options.ts";
import { clientId, documentWith } from "./client-site.ts";

const asJson = { headers: { "content-type": "application/json" } };
const refused = { error: "invalid_client" };
const unavailable = { error: "temporarily_unavailable" };

/** Documents that are fetched in the way of the operator's; no name server and no socket is asked. */
const documentsBy = (fetch: FetchDocument, options: Partial<ClientDocumentsOptions> = {}) =>
  new ClientDocuments({
    scopes: { valid: ["read"], defaults: ["read"] },
    resolve: () => expect.unreachable("a name was looked up"),
    connect: () => expect.unreachable("a socket was opened"),
    fetch,
    ...options,
  });
const good = async (): Promise<Response> => Response.json(documentWith());

describe("a fetch of one's own", () => {
  it("gets the URL, plain headers, a signal, and the wish for no redirect", async () => {
    const requests: Request[] = [];
    const documents = documentsBy(async (request) => {
      requests.push(request);
      return good();
    });
    expect((await documents.find(clientId))?.information.client_name).toBe("Example");
    expect(requests).toMatchObject([{ url: clientId, method: "GET", redirect: "manual" }]);
    expect(requests[0]?.headers.get("accept")).toBe("application/json");
    expect(requests[0]?.signal).toBeInstanceOf(AbortSignal);
  });

  it("fetches keys as well", async () => {
    const urls: string[] = [];
    const documents = documentsBy(async ({ url }) => {
      urls.push(url);
      return Response.json({ keys: [] });
    });
    await documents.keys({ jwks_uri: "https://client.example/jwks" }).catch(() => undefined);
    expect(urls).toEqual(["https://client.example/jwks"]);
  });

  it("asks with validators, and may answer 304", async () => {
    const conditions: (string | null)[] = [];
    const documents = documentsBy(async ({ headers }) => {
      conditions.push(headers.get("if-none-match"));
      if (headers.get("if-none-match") === '"1"') return new Response(null, { status: 304 });
      return Response.json(documentWith(), { headers: { etag: '"1"' } });
    });
    await documents.find(clientId);
    expect((await documents.find(clientId))?.information.client_name).toBe("Example");
    expect(conditions).toEqual([null, '"1"']);
  });

  it.each<[string, () => Response]>([
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://other.example/" } })],
    ["another content type", () => new Response("{}", { headers: { "content-type": "text/html" } })],
    ["a document that is too long", () => new Response(JSON.stringify(documentWith()).padEnd(6000), asJson)],
    ["another's document", () => Response.json(documentWith({ client_id: "https://client.example/other" }))],
    ["no body", () => new Response(null, asJson)],
    ["text that is not UTF-8", () => new Response(Buffer.from([0x22, 0xff, 0x22]), asJson)],
    ["an error of the client's", () => new Response(null, { status: 404 })],
  ])("is refused %s", async (_, answer) => {
    await expect(documentsBy(async () => answer()).find(clientId)).rejects.toMatchObject(refused);
  });

  it("is refused a document that it went elsewhere for", async () => {
    for (const claim of [{ redirected: true }, { url: "https://other.example/client.json" }]) {
      const documents = documentsBy(async () => {
        const response = await good();
        for (const [name, value] of Object.entries(claim)) Object.defineProperty(response, name, { value });
        return response;
      });
      await expect(documents.find(clientId)).rejects.toMatchObject(refused);
    }
  });

  it.each([502, 503, 407, 500])("may say that the proxy or the site is out: %i", async (status) => {
    const documents = documentsBy(async () => new Response(null, { status }));
    await expect(documents.find(clientId)).rejects.toMatchObject(unavailable);
  });

  it("may fail, and may never answer, or never end", async () => {
    const endless = new ReadableStream({ pull: () => new Promise(() => undefined) });
    for (const fetch of [
      () => Promise.reject(new TypeError("fetch failed")),
      () => new Promise<never>(() => undefined),
      async () => new Response(endless, asJson),
    ]) {
      await expect(documentsBy(fetch, { timeout: 50 }).find(clientId)).rejects.toMatchObject(unavailable);
    }
  });

  it.each([
    "https://127.0.0.1/client.json",
    "https://10.1.2.3/client.json",
    "https://169.254.169.254/latest",
    "https://[::1]/client.json",
    "https://[fd00::1]/client.json",
    "https://localhost/client.json",
    "https://app.localhost/client.json",
    "https://metadata/client.json",
    "https://metadata.google.internal/client.json",
    "https://printer.local/client.json",
    "https://router.home.arpa/client.json",
  ])("is not asked for %s", async (id) => {
    const documents = documentsBy(() => expect.unreachable("it was asked"));
    await expect(documents.find(id)).rejects.toMatchObject(refused);
  });

  it("is asked for allowed domains and ports only", async () => {
    const documents = documentsBy(() => expect.unreachable("it was asked"), { allowedDomains: ["app.example"] });
    for (const id of [clientId, "https://app.example:8443/client.json"]) {
      await expect(documents.find(id)).rejects.toMatchObject(refused);
    }
  });
});
