import type { IncomingMessage, ServerResponse } from "node:http";
import type { AcceptedFault, HtmlFault } from "../faults/fault.ts";
import type { ReplyFault } from "../faults/fault-plan.ts";
import type { OpenCall } from "./call-log.ts";
import { envelope, type PangeaReply, serverError, tooManyRequests } from "./envelope.ts";

/** A fault that ends an exchange by itself. */
export type EndingFault = Exclude<ReplyFault, AcceptedFault>;

/** What an {@link Exchange} is made of. */
export interface ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** `prq_` and 32 characters of `a-z2-7`. */
  readonly requestId: string;
  /** The call's entry in the log. */
  readonly call: OpenCall;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** One request and the reply to it, as a Pangea service sees them. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** When the request arrived, in milliseconds since the epoch. */
  readonly requestTime: number;
  readonly #call: OpenCall;
  readonly #clock: () => number;

  constructor(options: ExchangeOptions) {
    const { request, response, requestId, call, clock } = options;
    this.request = request;
    this.response = response;
    this.requestId = requestId;
    this.requestTime = clock();
    this.#call = call;
    this.#clock = clock;
    // A client that goes away, and a reply that another server writes, end the call too.
    response.once("close", () => call.end(response.writableFinished ? response.statusCode : undefined));
  }

  /** Sends a reply in Pangea's envelope. The id and time of another request can be given, whose result this is. */
  send(
    reply: PangeaReply,
    headers: Readonly<Record<string, string>> = {},
    original: { readonly requestId: string; readonly requestTime: number } = this,
  ): void {
    const body = JSON.stringify(envelope(reply, original.requestId, original.requestTime, this.#clock()));
    this.#write(reply.httpStatus, { "Content-Type": "application/json", ...headers }, body);
  }

  /** Sends what a fault has in the place of the reply. */
  fail(fault: EndingFault): void {
    switch (fault.kind) {
      case "connection-reset":
        this.cut();
        break;
      case "html":
        this.#write(fault.httpStatus ?? 502, { "Content-Type": "text/html; charset=utf-8" }, page(fault));
        break;
      case "too-many-requests":
        this.send(tooManyRequests(), { "Retry-After": String(Math.ceil(fault.retryAfterSeconds ?? 1)) });
        break;
      case "server-error":
        this.send(serverError(fault.httpStatus ?? 503));
    }
  }

  /** Resets the connection: the client gets ECONNRESET. */
  cut(): void {
    this.#call.end(undefined);
    this.request.socket.resetAndDestroy();
  }

  #write(httpStatus: number, headers: Readonly<Record<string, string>>, body: string): void {
    this.#call.end(httpStatus);
    this.response.writeHead(httpStatus, {
      ...headers,
      "Content-Length": Buffer.byteLength(body),
      "X-Request-Id": this.requestId,
    });
    this.response.end(body);
  }
}

function page(fault: HtmlFault): string {
  const title = `${fault.httpStatus ?? 502} from a proxy`;
  return `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
}
