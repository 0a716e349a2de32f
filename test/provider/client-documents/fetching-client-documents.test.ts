import { describe, expect, it } from "vitest";
import { OAuthError } from "../../../src/errors.ts";
import { setUp } from "../../support/set-up.ts";
import { ClientSite, clientId, documentWith, json } from "./client-site.ts";

let site: ClientSite;
setUp("test", async (parts) => {
  site = parts.use(await ClientSite.open());
});

const refused = { error: "invalid_client", status: 401 };
const unavailable = { error: "temporarily_unavailable", status: 503, retryAfterSeconds: 5 };

describe("fetching a client's metadata document", () => {
  it("finds the client, its domain and the time", async () => {
    expect(await site.documents().find(clientId)).toEqual({
      information: {
        client_id: clientId,
        client_name: "Example",
        redirect_uris: ["https://client.example/callback"],
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code"],
        response_types: ["code"],
        scope: "read",
      },
      domain: "client.example",
      fetchedAt: site.clock.read(),
    });
  });

  it("asks plainly: the host's name, JSON, no compression, no reuse of the connection", async () => {
    await site.documents().find(clientId);
    expect(site.requests[0]).toMatchObject({ method: "GET", url: "/oauth/client.json" });
    expect(site.requests[0]?.headers).toEqual({
      host: "client.example",
      accept: "application/json",
      "accept-encoding": "identity",
      connection: "close",
      "user-agent": "pangea-authn-fastmcp",
    });
  });

  it("keeps the query of the URL", async () => {
    const id = `${clientId}?version=2`;
    site.handler = json(documentWith({ client_id: id }));
    expect((await site.documents().find(id))?.information.client_id).toBe(id);
    expect(site.requests[0]?.url).toBe("/oauth/client.json?version=2");
  });

  it.each(["application/json", "application/json; charset=utf-8", "application/oauth-client+json", "Application/JSON"])(
    "takes the content type %s",
    async (type) => {
      site.handler = json(documentWith(), { "content-type": type });
      expect(await site.documents().find(clientId)).toBeDefined();
    },
  );

  it.each(["text/html", "text/json", "application/jsonp", "application/xhtml+xml", "text/plain; application/json", ""])(
    "refuses the content type %j",
    async (type) => {
      site.handler = json(documentWith(), { "content-type": type });
      await expect(site.documents().find(clientId)).rejects.toMatchObject(refused);
    },
  );

  it.each([301, 302, 303, 307, 308])("follows no redirect, not even to itself: %i", async (status) => {
    site.handler = (_request, response) => {
      response.writeHead(status, { location: clientId }).end();
    };
    await expect(site.documents().find(clientId)).rejects.toMatchObject(refused);
    expect(site.requests).toHaveLength(1);
  });

  it.each([201, 204, 206, 304, 400, 403, 404, 410])("refuses the status %i", async (status) => {
    site.handler = (_request, response) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(status === 204 || status === 304 ? undefined : JSON.stringify(documentWith()));
    };
    await expect(site.documents().find(clientId)).rejects.toMatchObject(refused);
  });

  it.each([408, 429, 500, 502, 503])("takes the status %i for an outage", async (status) => {
    site.handler = (_request, response) => {
      response.writeHead(status).end();
    };
    await expect(site.documents().find(clientId)).rejects.toMatchObject(unavailable);
  });

  it.each(["gzip", "br", "deflate", "zstd", "identity, gzip"])("refuses the content coding %s", async (coding) => {
    site.handler = json(documentWith(), { "content-encoding": coding });
    await expect(site.documents().find(clientId)).rejects.toMatchObject(refused);
  });

  it("refuses a document that declares more bytes than allowed, before it reads any", async () => {
    site.handler = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "5121" });
      response.flushHeaders();
    };
    await expect(site.documents().find(clientId)).rejects.toMatchObject(refused);
  });

  it("stops an endless document at the limit", async () => {
    let ended = false;
    site.handler = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const write = (): void => {
        while (!ended && response.write(" ".repeat(1024)));
      };
      response.on("drain", write).on("close", () => {
        ended = true;
      });
      write();
    };
    await expect(site.documents().find(clientId)).rejects.toMatchObject(refused);
    await expect.poll(() => ended).toBe(true);
  });

  it("takes a document of exactly as many bytes as allowed", async () => {
    const text = JSON.stringify(documentWith());
    site.handler = json(text.padEnd(1000));
    expect(await site.documents({ maxBytes: 1000 }).find(clientId)).toBeDefined();
    await expect(site.documents({ maxBytes: 999 }).find(clientId)).rejects.toMatchObject(refused);
  });

  it("refuses headers beyond a limit", async () => {
    site.handler = json(documentWith(), { "x-long": "a".repeat(10_000) });
    await expect(site.documents().find(clientId)).rejects.toMatchObject(unavailable);
  });

  it("does not wait for a site that never answers", async () => {
    site.handler = () => {};
    await expect(site.documents({ timeout: 100 }).find(clientId)).rejects.toMatchObject(unavailable);
  });

  it("does not wait for the rest of a body that comes in drops", async () => {
    site.handler = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const timer = setInterval(() => response.write(" "), 5);
      response.on("close", () => clearInterval(timer));
    };
    await expect(site.documents({ timeout: 200 }).find(clientId)).rejects.toMatchObject(unavailable);
  });

  it("does not wait for a name server that never answers", async () => {
    const documents = site.documents({ timeout: 50, resolve: () => new Promise(() => {}) });
    await expect(documents.find(clientId)).rejects.toMatchObject(unavailable);
  });

  it("takes a body that ends early for an outage", async () => {
    site.handler = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
      response.write("{", () => response.destroy());
    };
    await expect(site.documents().find(clientId)).rejects.toMatchObject(unavailable);
  });

  it("takes a connection that is closed without an answer for an outage", async () => {
    site.handler = (request) => request.socket.destroy();
    await expect(site.documents().find(clientId)).rejects.toMatchObject(unavailable);
  });

  it("takes a change of protocol for an outage", async () => {
    site.handler = (request) => {
      request.socket.end("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n");
    };
    await expect(site.documents().find(clientId)).rejects.toMatchObject(unavailable);
  });

  it("refuses a site whose certificate is for another name", async () => {
    const documents = site.documents({ timeout: 2000 });
    await expect(documents.find("https://stranger.example/client.json")).rejects.toMatchObject({
      ...unavailable,
      cause: { code: "ERR_TLS_CERT_ALTNAME_INVALID" },
    });
    expect(site.requests).toHaveLength(0);
  });

  it("refuses text that is not UTF-8", async () => {
    site.handler = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(Buffer.from(JSON.stringify(documentWith({ client_name: "\xff" })), "latin1"));
    };
    await expect(site.documents().find(clientId)).rejects.toMatchObject(refused);
  });

  it("names nothing of the document in its errors", async () => {
    const marks = ["ka9-name", "ka9-uri", "ka9-method", "ka9-grant", "ka9-text"];
    const bodies: unknown[] = [
      documentWith({ client_id: "https://client.example/ka9-name" }),
      documentWith({ redirect_uris: ["http://ka9-uri.example/"] }),
      documentWith({ token_endpoint_auth_method: "ka9-method" }),
      documentWith({ grant_types: ["ka9-grant"] }),
      "ka9-text",
    ];
    for (const body of bodies) {
      site.handler = json(body);
      const failure = await site
        .documents()
        .find(clientId)
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(OAuthError);
      for (let error = failure; error instanceof Error; error = error.cause) {
        for (const mark of marks) expect(error.message).not.toContain(mark);
      }
    }
  });

  it("tells callers to come back when too many sites are asked already, and still serves what it has", async () => {
    const other = "https://other.example/client.json";
    site.handler = json(documentWith({ client_id: other }), { "cache-control": "max-age=60" });
    const documents = site.documents({ maxConcurrent: 1 });
    await documents.find(other);
    site.handler = () => {};
    const refused = expect(documents.find(clientId)).rejects.toMatchObject(unavailable);
    await expect(documents.find("https://deep.client.example/client.json")).rejects.toMatchObject(unavailable);
    expect((await documents.find(other))?.information.client_id).toBe(other);
    await documents[Symbol.asyncDispose]();
    await refused;
  });

  it("asks one host for so many documents at a time, whatever room there is for others", async () => {
    site.handler = () => {};
    const documents = site.documents({ maxConcurrentPerHost: 2 });
    const pending = Promise.allSettled([1, 2].map((index) => documents.find(`${clientId}?${index}`)));
    await expect(documents.find(clientId)).rejects.toMatchObject(unavailable);
    const settled = Promise.allSettled([pending, documents.find("https://other.example/client.json")]);
    await expect.poll(() => site.requests.length).toBe(3);
    await documents[Symbol.asyncDispose]();
    expect((await pending).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect((await settled).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  it.each([
    ["any host", { maxConcurrent: 1 }, "https://other.example/client.json"],
    ["their host", { maxConcurrentPerHost: 1 }, `${clientId}?stranger`],
  ])("keeps places at %s for documents that were good before", async (_where, limit, strangersId) => {
    site.handler = json(documentWith(), { "cache-control": "max-age=60", etag: '"1"' });
    const documents = site.documents(limit);
    await documents.find(clientId);
    site.clock.advanceSeconds(61);
    site.handler = () => {};
    const stranger = Promise.allSettled([documents.find(strangersId)]);
    await expect.poll(() => site.requests.length).toBe(2);
    const known = Promise.allSettled([documents.find(clientId)]);
    await expect.poll(() => site.requests.length).toBe(3);
    await documents[Symbol.asyncDispose]();
    const settled = [...(await stranger), ...(await known)];
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });

  it("asks as many sites at a time as configured, without a warning of a leak", async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error): void => {
      warnings.push(warning);
    };
    process.on("warning", warn);
    site.handler = () => {};
    const documents = site.documents({ timeout: 10_000, maxConcurrent: 32, maxConcurrentPerHost: 32 });
    const pending = Array.from({ length: 32 }, (_, index) => documents.find(`${clientId}?${index}`));
    const settled = Promise.allSettled(pending);
    await expect.poll(() => site.requests.length, { timeout: 10_000 }).toBe(32);
    await documents[Symbol.asyncDispose]();
    expect((await settled).every((result) => result.status === "rejected")).toBe(true);
    process.off("warning", warn);
    expect(warnings).toEqual([]);
  });

  it("ends what is under way when it is closed, and starts nothing after", async () => {
    site.handler = () => {};
    const documents = site.documents();
    const refused = expect(documents.find(clientId)).rejects.toMatchObject(unavailable);
    await expect.poll(() => site.requests.length).toBe(1);
    await documents[Symbol.asyncDispose]();
    await refused;
    await expect(documents.find(clientId)).rejects.toMatchObject(unavailable);
    expect(site.requests).toHaveLength(1);
  });
});
