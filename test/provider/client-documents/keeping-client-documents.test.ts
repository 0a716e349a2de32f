import { describe, expect, it } from "vitest";
import { ConfigurationError } from "../../../src/errors.ts";
import { setUp } from "../../support/set-up.ts";
import { ClientSite, clientId, documentWith, json } from "./client-site.ts";

let site: ClientSite;
setUp("test", async (parts) => {
  site = parts.use(await ClientSite.open());
});

/** Answers 304 to the validators of the document, the document otherwise. */
function revalidating(name: string, etag: string, headers: Record<string, string>): ClientSite["handler"] {
  return (request, response) => {
    if (request.headers["if-none-match"] === etag) response.writeHead(304, { etag, ...headers }).end();
    else json(documentWith({ client_name: name }), { etag, ...headers })(request, response);
  };
}

describe("keeping a client's metadata document", () => {
  it("uses it as long as max-age says, and not a second longer", async () => {
    site.handler = json(documentWith(), { "cache-control": "max-age=60" });
    const documents = site.documents();
    const first = await documents.find(clientId);
    site.clock.advanceSeconds(59);
    expect(await documents.find(clientId)).toEqual(first);
    expect(site.requests).toHaveLength(1);
    site.clock.advanceSeconds(1);
    await documents.find(clientId);
    expect(site.requests).toHaveLength(2);
  });

  it("learns of a change when the document has gone stale", async () => {
    site.handler = json(documentWith({ client_name: "Old" }), { "cache-control": "max-age=60" });
    const documents = site.documents();
    await documents.find(clientId);
    site.handler = json(documentWith({ client_name: "New" }), { "cache-control": "max-age=60" });
    expect((await documents.find(clientId))?.information.client_name).toBe("Old");
    site.clock.advanceSeconds(60);
    expect((await documents.find(clientId))?.information.client_name).toBe("New");
  });

  it.each([
    ["cache-control", "no-store, max-age=60"],
    ["cache-control", "no-cache, max-age=60"],
    ["cache-control", "private, max-age=60"],
    ["cache-control", "max-age=0"],
    ["cache-control", "max-age=-1"],
    ["cache-control", "max-age=x"],
    ["cache-control", "immutable"],
    ["expires", "0"],
    ["expires", "Thu, 01 Jan 1970 00:00:00 GMT"],
    ["last-modified", "Thu, 01 Jan 1970 00:00:00 GMT"],
    ["vary", "*"],
    ["x-none", ""],
  ])("asks again each time for %s: %s", async (header, value) => {
    site.handler = json(documentWith(), { [header]: value });
    const documents = site.documents();
    await documents.find(clientId);
    await documents.find(clientId);
    expect(site.requests).toHaveLength(2);
  });

  it("counts Expires and the Age in other caches", async () => {
    const documents = site.documents();
    const date = new Date(0).toUTCString();
    site.handler = json(documentWith(), { date, expires: new Date(60_000).toUTCString(), age: "20" });
    await documents.find(clientId);
    site.clock.advanceSeconds(39);
    await documents.find(clientId);
    expect(site.requests).toHaveLength(1);
    site.clock.advanceSeconds(1);
    await documents.find(clientId);
    expect(site.requests).toHaveLength(2);
  });

  it("asks again after a day, whatever the site says", async () => {
    site.handler = json(documentWith(), { "cache-control": "max-age=31536000, immutable" });
    const documents = site.documents();
    await documents.find(clientId);
    site.clock.advanceSeconds(86_399);
    await documents.find(clientId);
    expect(site.requests).toHaveLength(1);
    site.clock.advanceSeconds(1);
    await documents.find(clientId);
    expect(site.requests).toHaveLength(2);
  });

  it("keeps to the shortest time that is configured, unless the site forbids storage", async () => {
    const documents = site.documents({ minFreshSeconds: 300 });
    site.handler = json(documentWith(), { "cache-control": "max-age=0" });
    await documents.find(clientId);
    site.clock.advanceSeconds(299);
    await documents.find(clientId);
    expect(site.requests).toHaveLength(1);
    site.clock.advanceSeconds(1);
    site.handler = json(documentWith(), { "cache-control": "no-store" });
    await documents.find(clientId);
    await documents.find(clientId);
    expect(site.requests).toHaveLength(3);
  });

  it("asks with the validators, and believes a 304 for as long as its headers say", async () => {
    site.handler = revalidating("Example", '"1"', { "cache-control": "max-age=60" });
    const documents = site.documents();
    const first = await documents.find(clientId);
    site.clock.advanceSeconds(60);
    expect(await documents.find(clientId)).toEqual({ ...first, fetchedAt: site.clock.read() });
    expect(site.requests[1]?.headers["if-none-match"]).toBe('"1"');
    site.clock.advanceSeconds(59);
    await documents.find(clientId);
    expect(site.requests).toHaveLength(2);
  });

  it("sends the date of the last change as well", async () => {
    const lastModified = "Thu, 01 Jan 2026 00:00:00 GMT";
    site.handler = json(documentWith(), { "last-modified": lastModified });
    const documents = site.documents();
    await documents.find(clientId);
    await documents.find(clientId);
    expect(site.requests.map((request) => request.headers["if-modified-since"])).toEqual([undefined, lastModified]);
  });

  it("does not count the age of the first reply against a 304", async () => {
    const documents = site.documents();
    site.handler = revalidating("Example", '"1"', { "cache-control": "max-age=60", age: "50" });
    await documents.find(clientId);
    site.clock.advanceSeconds(10);
    site.handler = revalidating("Example", '"1"', {});
    await documents.find(clientId);
    site.clock.advanceSeconds(59);
    await documents.find(clientId);
    expect(site.requests).toHaveLength(2);
  });

  it("takes a changed document in place of a 304", async () => {
    site.handler = revalidating("Old", '"1"', {});
    const documents = site.documents();
    await documents.find(clientId);
    site.handler = revalidating("New", '"2"', {});
    expect((await documents.find(clientId))?.information.client_name).toBe("New");
    await documents.find(clientId);
    expect(site.requests[2]?.headers["if-none-match"]).toBe('"2"');
  });

  it("never serves a stale document, not even in an outage, and recovers after it", async () => {
    const headers = { "cache-control": "max-age=60, stale-if-error=3600, stale-while-revalidate=3600" };
    site.handler = revalidating("Example", '"1"', headers);
    const documents = site.documents();
    await documents.find(clientId);
    site.clock.advanceSeconds(60);
    site.handler = (_request, response) => {
      response.writeHead(503).end();
    };
    await expect(documents.find(clientId)).rejects.toMatchObject({ error: "temporarily_unavailable" });
    site.handler = revalidating("Example", '"1"', headers);
    expect((await documents.find(clientId))?.information.client_name).toBe("Example");
    expect(site.requests[2]?.headers["if-none-match"]).toBe('"1"');
  });

  it("forgets a document that has become invalid", async () => {
    site.handler = revalidating("Example", '"1"', {});
    const documents = site.documents();
    await documents.find(clientId);
    site.handler = json("{}");
    await expect(documents.find(clientId)).rejects.toMatchObject({ error: "invalid_client" });
    site.handler = revalidating("Example", '"1"', {});
    await documents.find(clientId);
    expect(site.requests[2]?.headers["if-none-match"]).toBeUndefined();
  });

  it.each([404, 500])("never keeps an error (%i), whatever its headers say", async (status) => {
    site.handler = (_request, response) => {
      response.writeHead(status, { "cache-control": "max-age=60" }).end();
    };
    const documents = site.documents();
    await expect(documents.find(clientId)).rejects.toBeDefined();
    site.handler = json(documentWith());
    expect(await documents.find(clientId)).toBeDefined();
  });

  it("never keeps an invalid document", async () => {
    site.handler = json("{}", { "cache-control": "max-age=60", etag: '"1"' });
    const documents = site.documents();
    await expect(documents.find(clientId)).rejects.toMatchObject({ error: "invalid_client" });
    site.handler = json(documentWith());
    expect(await documents.find(clientId)).toBeDefined();
    expect(site.requests[1]?.headers["if-none-match"]).toBeUndefined();
  });

  it("does not live longer by a clock that is set back", async () => {
    site.handler = json(documentWith(), { "cache-control": "max-age=60" });
    const documents = site.documents();
    await documents.find(clientId);
    site.clock.advanceSeconds(-3600);
    await documents.find(clientId);
    expect(site.requests).toHaveLength(2);
  });

  it("asks once for callers at the same time, and gives each a document of its own", async () => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    site.handler = (request, response) => {
      gate.then(() => json(documentWith())(request, response));
    };
    const documents = site.documents();
    const pending = Array.from({ length: 20 }, () => documents.find(clientId));
    open();
    const [first, ...others] = await Promise.all(pending);
    expect(site.requests).toHaveLength(1);
    first?.information.redirect_uris.push("https://evil.example/");
    for (const other of others) expect(other?.information.redirect_uris).toEqual(["https://client.example/callback"]);
  });

  it("does not let one caller change what the next one gets", async () => {
    site.handler = json(documentWith(), { "cache-control": "max-age=60" });
    const documents = site.documents();
    (await documents.find(clientId))?.information.redirect_uris.push("https://evil.example/");
    expect((await documents.find(clientId))?.information.redirect_uris).toEqual(["https://client.example/callback"]);
    expect(site.requests).toHaveLength(1);
  });

  it("asks anew after a failure that callers shared", async () => {
    site.handler = json("no JSON");
    const documents = site.documents();
    const failures = await Promise.allSettled([documents.find(clientId), documents.find(clientId)]);
    expect(failures.map((failure) => failure.status)).toEqual(["rejected", "rejected"]);
    expect(site.requests).toHaveLength(1);
    site.handler = json(documentWith());
    expect(await documents.find(clientId)).toBeDefined();
  });

  it("keeps no more documents than configured", async () => {
    site.handler = (request, response) => {
      const id = `https://client.example${request.url}`;
      json(documentWith({ client_id: id }), { "cache-control": "max-age=60" })(request, response);
    };
    const documents = site.documents({ maxCached: 2 });
    for (const name of ["a", "b", "c", "b", "c", "a"]) await documents.find(`https://client.example/${name}`);
    expect(site.requests.map((request) => request.url)).toEqual(["/a", "/b", "/c", "/a"]);
  });

  it("drops none for one that could not be used again", async () => {
    const documents = site.documents({ maxCached: 1 });
    site.handler = json(documentWith(), { "cache-control": "max-age=60" });
    await documents.find(clientId);
    const other = "https://client.example/other.json";
    site.handler = json(documentWith({ client_id: other }));
    await documents.find(other);
    await documents.find(clientId);
    expect(site.requests.map((request) => request.url)).toEqual(["/oauth/client.json", "/other.json"]);
  });

  it.each([
    { maxBytes: 0 },
    { timeout: 0 },
    { timeout: 2 ** 31 },
    { maxCached: 0 },
    { maxConcurrent: 1.5 },
    { maxFreshSeconds: -1 },
    { minFreshSeconds: Number.NaN },
    { minFreshSeconds: 100, maxFreshSeconds: 50 },
  ])("cannot be configured with %j", (options) => {
    expect(() => site.documents(options)).toThrow(ConfigurationError);
  });
});
