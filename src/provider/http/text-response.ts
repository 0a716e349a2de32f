/** The texts of responses, as long as the responses are there. */
const texts = new WeakMap<Response, string>();

/**
 * A response whose body is a text, which is remembered beside it. A mount on `node:http` sends that text as it is, where it
 * would otherwise read a stream for each answer to find out what it has known all along.
 */
export function textResponse(text: string, init: ResponseInit): Response {
  const response = new Response(text, init);
  texts.set(response, text);
  return response;
}

/** A response whose body is a value as JSON. */
export function jsonTextResponse(
  body: unknown,
  init: { readonly status?: number; readonly headers: Readonly<Record<string, string>> },
): Response {
  return textResponse(JSON.stringify(body), {
    ...init,
    headers: { "content-type": "application/json", ...init.headers },
  });
}

/** The body of a response: its text, or nothing, where that is known without reading it. Whoever has read it gets `undefined`. */
export function knownText(response: Response): string | undefined {
  if (response.bodyUsed) return undefined;
  return response.body === null ? "" : texts.get(response);
}
