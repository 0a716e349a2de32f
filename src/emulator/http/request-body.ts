import type { IncomingMessage } from "node:http";

/** The largest request body that is taken, in bytes. */
export const bodyMaximumBytes = 1024 * 1024;

/** Beyond this many times the maximum, the rest is not even read. */
const patience = 16;

/**
 * Reads a request's body as UTF-8. A body over the maximum is read to its end, so that the client gets the reply, but
 * not kept: the result is `undefined`. Rejects when the client goes away before the end.
 */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes <= bodyMaximumBytes) chunks.push(chunk);
    else chunks.length = 0;
    if (bytes > patience * bodyMaximumBytes) break;
  }
  return bytes > bodyMaximumBytes ? undefined : Buffer.concat(chunks).toString("utf8");
}

/** Parses a text as JSON. `undefined`, which no JSON stands for, where the text is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
