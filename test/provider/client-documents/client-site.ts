import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { generate } from "selfsigned";
import { ClientDocuments } from "../../../src/provider/client-documents/client-documents.ts";
import { connectPinned } from "../../../src/provider/client-documents/pinned-connection.ts";
import type {
  ClientDocumentsOptions,
  PinnedTarget,
} from "../../../src/provider/configuration/client-documents-options.ts";
import type { ProviderInternals } from "../../../src/provider/configuration/internals.ts";
import { ManualClock } from "../../support/manual-clock.ts";

export const clientId = "https://client.example/oauth/client.json";
export const publicAddress = "93.184.215.14";

/** A document with nothing but what is required, and what the test adds. */
export function documentWith(members: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    client_id: clientId,
    client_name: "Example",
    redirect_uris: ["https://client.example/callback"],
    ...members,
  };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers with JSON, as an honest site does. */
export function json(body: unknown, headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    response.writeHead(200, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

/** A client's web site on this machine, that believes to be `client.example` on a public address. */
export class ClientSite implements AsyncDisposable {
  readonly requests: IncomingMessage[] = [];
  readonly connections: PinnedTarget[] = [];
  readonly lookups: string[] = [];
  readonly clock = new ManualClock();
  /** What the name servers say, one list per lookup; the last one stays. */
  answers: string[][] = [[publicAddress]];
  handler: Handler = json(documentWith());
  readonly certificate: string;
  readonly #server: ReturnType<typeof createServer>;
  port = 0;

  private constructor(key: string, certificate: string) {
    this.certificate = certificate;
    this.#server = createServer({ key, cert: certificate }, (request, response) => {
      this.requests.push(request);
      this.handler(request, response);
    });
  }

  static async open(): Promise<ClientSite> {
    const names = ["client.example", "other.example", "deep.client.example"];
    const { private: key, cert } = await generate([{ name: "commonName", value: "client.example" }], {
      keyType: "ec",
      // A certificate of this very second may be one of the next second to whoever looks at it.
      notBeforeDate: new Date(Date.now() - 3_600_000),
      extensions: [
        { name: "basicConstraints", cA: true, critical: true },
        { name: "subjectAltName", altNames: names.map((value) => ({ type: 2, value })) },
      ],
    });
    const site = new ClientSite(key, cert);
    site.#server.listen(0, "127.0.0.1");
    await once(site.#server, "listening");
    const address = site.#server.address();
    site.port = typeof address === "object" && address !== null ? address.port : 0;
    return site;
  }

  /** Documents that are fetched from here: the checked addresses are noted, and this server is what answers there. */
  documents(options: Partial<ClientDocumentsOptions> = {}): ClientDocuments {
    return new ClientDocuments({
      scopes: { valid: ["read", "write"], defaults: ["read"] },
      clock: this.clock.read,
      ...this.network,
      ...options,
    });
  }

  /** The name servers and the network in which this site is found. */
  get network(): Required<Pick<ProviderInternals, "resolve" | "connect">> {
    return {
      resolve: async (hostname) => {
        this.lookups.push(hostname);
        return (this.answers.length > 1 ? this.answers.shift() : this.answers[0]) ?? [];
      },
      connect: (target) => {
        this.connections.push(target);
        return connectPinned({ ...target, port: this.port, addresses: ["127.0.0.1"] }, this.certificate);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
