/**
 * What a request is answered with, before it is a Web `Response`. A mount on `node:http` sends it as it is: a `Response` and
 * its `Headers` take longer to make, and to read again, than most answers take to find.
 */
export interface Answer {
  readonly status: number;
  /** By names in lower case; the cookies are apart. */
  readonly headers: Readonly<Record<string, string>>;
  /** The values of `Set-Cookie`. Default: none. */
  readonly cookies?: readonly string[];
  /** Undefined where there is no body. */
  readonly text?: string;
}

/** An answer whose body is a value as JSON. */
export function jsonTextAnswer(
  body: unknown,
  { status = 200, headers }: { readonly status?: number; readonly headers: Readonly<Record<string, string>> },
): Answer {
  return { status, headers: { "content-type": "application/json", ...headers }, text: JSON.stringify(body) };
}

/** The texts of responses, as long as the responses are there. */
const texts = new WeakMap<Response, string>();

/**
 * The answer as a Web `Response`. Its text is remembered beside it: a mount on `node:http` sends that text, where it would
 * otherwise read a stream to find out what it has known all along.
 */
export function toResponse({ status, headers, cookies = [], text }: Answer): Response {
  const response = new Response(text ?? null, { status, headers });
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  if (text !== undefined) texts.set(response, text);
  return response;
}

/** The body of a response: its text, or nothing, where that is known without reading it. Whoever has read it gets `undefined`. */
export function knownText(response: Response): string | undefined {
  if (response.bodyUsed) return undefined;
  return response.body === null ? "" : texts.get(response);
}

/** What a `fetch` is called with. */
interface Sender {
  readonly caller?: string | undefined;
}

/** Something that answers requests. */
interface Fetching {
  fetch(request: Request, sender: Sender): Promise<Response>;
}

/** Answers in place of a `fetch`, or says by `undefined` that it does not know this object. */
type Direct = (server: object, request: Request, sender: Sender) => Promise<Answer> | undefined;

/** By the very function that they stand for: who wraps or replaces a `fetch` is asked by that. */
const directAnswers = new WeakMap<Fetching["fetch"], Direct>();

/** Says how the answers of a `fetch` are had before they are responses. */
export function answersDirectly(fetch: Fetching["fetch"], direct: Direct): void {
  directAnswers.set(fetch, direct);
}

/** What `fetch` answers, before it is a response where that can be had. */
export function answerOf(server: Fetching, request: Request, sender: Sender): Promise<Answer | Response> {
  return directAnswers.get(server.fetch)?.(server, request, sender) ?? server.fetch(request, sender);
}
