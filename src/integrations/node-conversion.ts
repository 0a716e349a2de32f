import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Answer, knownText } from "../provider/http/answer.ts";
import { readBodyFrom } from "../provider/http/body-source.ts";

import { incomingSource } from "./incoming-source.ts";
import { lostBody } from "./lost-body.ts";

/** A request as `node:http` has it, with what Express and other frameworks add to it. */
export interface NodeRequest extends IncomingMessage {
  /** The parsed body, where a body parser has read the stream. */
  readonly body?: unknown;
  /** The URL before a router took its mount path off. */
  readonly originalUrl?: string;
}

/** The path of a request, whatever router it has come through. */
export function pathOf(request: NodeRequest): string {
  return (request.originalUrl ?? request.url ?? "/").replace(/[?#].*$/s, "");
}

/** The headers of a request in the form that `provider.authenticate` reads. */
export function webHeaders(request: Pick<IncomingMessage, "headers">): { get(name: string): string | null } {
  return {
    get(name) {
      const value = request.headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(", ") : (value ?? null);
    },
  };
}

/** What `provider.authenticate` reads of a request. */
export function guardedRequest(request: NodeRequest) {
  return { headers: webHeaders(request), method: request.method, url: request.originalUrl ?? request.url };
}

/**
 * Answers a `node:http` request with what a Web-standard handler says. Never rejects, whatever the client does.
 *
 * @param path - The public path of the request. Default: that under which it was received.
 */
export function answer(
  incoming: NodeRequest,
  outgoing: ServerResponse,
  handle: (request: Request) => Response | Promise<Answer | Response>,
  path = pathOf(incoming),
): Promise<void> {
  const respond = async (request: Request): Promise<Response> => {
    const sent = asSent(request, incoming, path);
    // A body that has begun to go somewhere else is left to the request, which may have kept what came.
    const isUntouched = sent === request && hasBody(incoming) && !incoming.readableDidRead && !incoming.destroyed;
    if (isUntouched) readBodyFrom(sent, incomingSource(incoming));
    const answered = await handle(sent);
    const known = isResponse(answered) ? asAnswer(answered) : answered;
    if (known !== undefined) send(outgoing, known);
    return known === undefined && isResponse(answered) ? answered : RESPONSE_ALREADY_SENT;
  };
  return getRequestListener(respond, {
    overrideGlobalObjects: false,
    // HTTP/1.0 has no Host header. Nothing here reads the host.
    hostname: "localhost",
  })(incoming, outgoing);
}

/** Another realm's response is one too. */
function isResponse(answered: Answer | Response): answered is Response {
  return typeof answered.text === "function";
}

/** The answer that a response is, where its body is known. */
function asAnswer(response: Response): Answer | undefined {
  const text = knownText(response);
  if (text === undefined) return undefined;
  const headers: Record<string, string> = {};
  for (const [name, value] of response.headers) if (name !== "set-cookie") headers[name] = value;
  return { status: response.status, headers, cookies: response.headers.getSetCookie(), text };
}

function send(outgoing: ServerResponse, { status, headers, cookies = [], text = "" }: Answer): void {
  const all: OutgoingHttpHeaders = { ...headers };
  if (cookies.length > 0) all["set-cookie"] = [...cookies];
  if (text !== "") all["content-length"] = Buffer.byteLength(text);
  outgoing.writeHead(status, all).end(text);
}

/**
 * The request as the client sent it: with the path that a proxy or a router has changed and the body that a parser has
 * read.
 */
function asSent(request: Request, incoming: NodeRequest, path: string): Request {
  const isMoved = pathIn(request.url) !== path;
  const parsed = incoming.readableDidRead && incoming.body !== undefined;
  const isLost = incoming.readableDidRead && incoming.body === undefined && hasBody(incoming);
  if (!isMoved && !parsed && !isLost) return request;

  const url = new URL(request.url);
  url.pathname = path;
  const headers = new Headers([...request.headers]);
  if (isLost) return new Request(url, { method: request.method, headers, body: lostBody(), duplex: "half" });
  if (!parsed) return new Request(url, { method: request.method, headers, body: request.body, duplex: "half" });
  for (const name of ["content-length", "content-encoding", "transfer-encoding"]) headers.delete(name);
  return new Request(url, { method: request.method, headers, body: serialise(incoming.body, headers) });
}

/** The path in an absolute URL, as it stands there. */
function pathIn(url: string): string {
  const begin = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.slice(begin).search(/[?#]/);
  return end < 0 ? url.slice(begin) : url.slice(begin, begin + end);
}

function hasBody({ method }: IncomingMessage): boolean {
  return method !== "GET" && method !== "HEAD";
}

/** A parsed body as it was before: a form, or JSON. Parsers of text and of bytes leave it as it was. */
function serialise(body: unknown, headers: Headers): string | Buffer {
  if (typeof body === "string" || Buffer.isBuffer(body)) return body;
  if (!/^application\/x-www-form-urlencoded\b/i.test(headers.get("content-type") ?? "")) {
    return JSON.stringify(body) ?? "";
  }
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body ?? {})) {
    // A parser gives a repeated parameter as a list, which has to stay one, and `code[x]` as an object, which no OAuth
    // parameter is. It gives `code[]=x` as a list of one: that is none either.
    const items = Array.isArray(value) ? (value.length > 1 ? value : []) : [value];
    for (const item of items) if (typeof item === "string") form.append(name, item);
  }
  return form.toString();
}
