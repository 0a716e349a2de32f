import { describe, expect, it } from "vitest";
import type { ClientDocumentsOptions } from "../../../src/provider/configuration/client-documents-options.ts";
import { setUp } from "../../support/set-up.ts";
import { ClientSite, clientId, documentWith, json } from "./client-site.ts";

let site: ClientSite;
setUp("test", async (parts) => {
  site = parts.use(await ClientSite.open());
});

const hour = 3600;
const forAMinute = { "cache-control": "max-age=60" };
const answering =
  (status: number, headers: Record<string, string> = {}): ClientSite["handler"] =>
  (_request, response) => {
    response.writeHead(status, headers).end();
  };

/** Documents of which the one of the site was good once, and is stale now. */
async function withStaleDocument(options: Partial<ClientDocumentsOptions> = {}, headers: object = forAMinute) {
  site.handler = json(documentWith(), { ...headers });
  const documents = site.documents({ maxStaleSeconds: hour, ...options });
  const good = await documents.find(clientId);
  site.clock.advanceSeconds(60);
  return { documents, good };
}

describe("a document that was good, of a site that", () => {
  it.each<[string, ClientSite["handler"]]>([
    ["takes this server for a robot", answering(403, { "cf-mitigated": "challenge", "content-type": "text/html" })],
    ["wants to know who asks", answering(401)],
    ["has had enough", answering(429)],
    ["is slow to hear the question", answering(408)],
    ["has a defect", answering(500)],
    ["is out", answering(503)],
    ["has an error of its host's", answering(522)],
    ...[201, 204, 206, 301, 302, 303, 307, 308, 400, 402, 405, 406, 407, 418, 421, 425, 451, 501].map(
      (status): [string, ClientSite["handler"]] => [`answers ${status}`, answering(status, { location: clientId })],
    ),
    ["answers with a page", answering(200, { "content-type": "text/html" })],
    [
      "answers with a page that has content",
      (_request, response) => {
        response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<h1>Back soon</h1>");
      },
    ],
    ["does not say what it answers with", answering(200)],
    ["answers with no content", json("")],
    ["answers with white space", json(" \r\n")],
    ["says nothing", (request) => request.socket.destroy()],
    [
      "ends in the middle",
      (_request, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
        response.write("{", () => response.destroy());
      },
    ],
  ])("%s is used, as old as it is", async (_, handler) => {
    const { documents, good } = await withStaleDocument();
    site.handler = handler;
    expect(await documents.find(clientId)).toEqual(good);
  });

  it("has no name at the moment is used", async () => {
    let isNamed = true;
    const resolve = async (): Promise<readonly string[]> => {
      if (!isNamed) throw new RangeError("The test switched the name server off.");
      return ["93.184.215.14"];
    };
    const { documents, good } = await withStaleDocument({ resolve });
    isNamed = false;
    expect(await documents.find(clientId)).toEqual(good);
  });

  it("does not answer in time is used, and asked for again after half a minute only", async () => {
    const { documents, good } = await withStaleDocument({ timeout: 100 });
    const asked = site.connections.length;
    site.handler = () => {};
    for (let count = 0; count < 5; count += 1) {
      expect(await documents.find(clientId)).toEqual(good);
      site.clock.advanceSeconds(5);
    }
    expect(site.connections.length).toBe(asked + 1);
    site.clock.advanceSeconds(5);
    site.handler = json(documentWith({ client_name: "Renewed" }), forAMinute);
    expect((await documents.find(clientId))?.information.client_name).toBe("Renewed");
  });

  it("fails is used for as long as configured, and not a second longer", async () => {
    const { documents, good } = await withStaleDocument();
    site.handler = answering(403);
    site.clock.advanceSeconds(hour - 1);
    expect(await documents.find(clientId)).toEqual(good);
    site.clock.advanceSeconds(1);
    await expect(documents.find(clientId)).rejects.toMatchObject({ error: "invalid_client" });
    site.handler = answering(503);
    await expect(documents.find(clientId)).rejects.toMatchObject({ error: "temporarily_unavailable" });
  });

  it("confirms it now and then is used for as long after each confirmation", async () => {
    const { documents } = await withStaleDocument({}, { ...forAMinute, etag: '"1"' });
    for (let day = 0; day < 3; day += 1) {
      site.handler = answering(304, forAMinute);
      await documents.find(clientId);
      site.handler = answering(403);
      site.clock.advanceSeconds(hour);
      expect(await documents.find(clientId)).toBeDefined();
      site.clock.advanceSeconds(30);
    }
  });

  it.each(["no-store", "no-cache", "private, no-cache, no-store, max-age=0, must-revalidate", "max-age=0"])(
    "wants it asked for each time (%s) is used in an outage only",
    async (cacheControl) => {
      const { documents, good } = await withStaleDocument({}, { "cache-control": cacheControl });
      site.handler = json(documentWith({ client_name: "Renewed" }), { "cache-control": cacheControl });
      const renewed = await documents.find(clientId);
      expect(renewed?.information.client_name).toBe("Renewed");
      site.handler = answering(503);
      expect(await documents.find(clientId)).toEqual(renewed);
      expect(renewed).not.toEqual(good);
    },
  );

  it("does not live longer by a clock that is set back", async () => {
    const { documents } = await withStaleDocument();
    site.handler = answering(503);
    site.clock.advanceSeconds(-hour);
    await expect(documents.find(clientId)).rejects.toMatchObject({ error: "temporarily_unavailable" });
  });
});

describe("no document is used that", () => {
  it.each<[string, ClientSite["handler"]]>([
    ["is gone", answering(404)],
    ["is gone for good", answering(410)],
    ["is no JSON any more", json("no JSON")],
    ["is another's", json(documentWith({ client_id: "https://client.example/other.json" }))],
    ["is HTML that is said to be JSON", json("<h1>Back soon</h1>")],
    ["is null by now", json("null")],
    ["lets nobody in any more", json(documentWith({ redirect_uris: [] }))],
  ])("%s, then or later", async (_, handler) => {
    const { documents } = await withStaleDocument();
    site.handler = handler;
    await expect(documents.find(clientId)).rejects.toMatchObject({ error: "invalid_client" });
    site.handler = answering(503);
    await expect(documents.find(clientId)).rejects.toMatchObject({ error: "temporarily_unavailable" });
  });

  it("is on a host whose addresses are private by now", async () => {
    const { documents } = await withStaleDocument();
    site.answers = [["10.0.0.1"]];
    await expect(documents.find(clientId)).rejects.toMatchObject({ error: "invalid_client" });
  });

  it.each([403, 503])("was never had (%i)", async (status) => {
    site.handler = answering(status);
    await expect(site.documents({ maxStaleSeconds: hour }).find(clientId)).rejects.toMatchObject({ code: "ERR_OAUTH" });
  });

  it("is stale, where that is configured", async () => {
    const { documents } = await withStaleDocument({ maxStaleSeconds: 0 });
    site.handler = answering(403);
    await expect(documents.find(clientId)).rejects.toMatchObject({ error: "invalid_client" });
  });
});

it("keys are used beyond their time too, but do not stand in for newer ones that somebody asks for", async () => {
  const uri = "https://client.example/jwks";
  const key = {
    kty: "EC",
    crv: "P-256",
    x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  };
  site.handler = json({ keys: [key] }, forAMinute);
  const documents = site.documents({ maxStaleSeconds: hour });
  const good = await documents.keys({ jwks_uri: uri });
  site.clock.advanceSeconds(60);
  site.handler = answering(403);
  expect(await documents.keys({ jwks_uri: uri })).toEqual(good);
  site.handler = answering(503);
  await expect(documents.latestKeys({ jwks_uri: uri }, undefined)).rejects.toMatchObject({
    error: "temporarily_unavailable",
  });
});
