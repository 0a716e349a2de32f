import type { IncomingMessage, ServerResponse } from "node:http";
import type { OpenCall } from "./call-log.ts";
import { type AnsweredRequest, envelope, type PangeaReply } from "./envelope.ts";

/** One request and the reply to it, as a Pangea service sees them. */
export class Exchange implements AnsweredRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly requestTime: number;
  readonly #call: OpenCall;
  readonly #clock: () => number;

  /** `call` is the call's entry in the log, `clock` gives milliseconds since the epoch. */
  constructor(
    { request, response, requestId }: Pick<Exchange, "request" | "response" | "requestId">,
    call: OpenCall,
    clock: () => number,
  ) {
    this.request = request;
    this.response = response;
    this.requestId = requestId;
    this.requestTime = clock();
    this.#call = call;
    this.#clock = clock;
    // A client that goes away, and a reply that another server writes, end the call too.
    response.once("close", () => call.end(response.writableFinished ? response.statusCode : undefined));
  }

  /** Sends a reply in Pangea's envelope. Another request can be named, where the reply is its result. */
  send(reply: PangeaReply, headers: Readonly<Record<string, string>> = {}, answered: AnsweredRequest = this): void {
    const body = JSON.stringify(envelope(reply, answered, this.#clock()));
    this.write(reply.httpStatus, { "Content-Type": "application/json", ...headers }, body);
  }

  /** Sends a reply of any form. */
  write(httpStatus: number, headers: Readonly<Record<string, string>>, body: string): void {
    this.#call.end(httpStatus);
    this.response.writeHead(httpStatus, {
      ...headers,
      "Content-Length": Buffer.byteLength(body),
      "X-Request-Id": this.requestId,
    });
    this.response.end(body);
  }

  /** Resets the connection: the client gets ECONNRESET. */
  cut(): void {
    this.#call.end(undefined);
    this.request.socket.resetAndDestroy();
  }
}
