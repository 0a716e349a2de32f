import type { ServerResponse } from "node:http";

/**
 * Stops the reply that a handler writes just before it would go out. `decide` then either calls `send`, which lets the
 * reply go, or, once the response is blank again, writes another. For replies that are written by one `end`.
 */
export function interceptReply(response: ServerResponse, decide: (send: () => void) => Promise<void>): void {
  const { writeHead, end } = response;
  let head: readonly unknown[] | undefined;
  const restore = () => {
    response.writeHead = writeHead;
    response.end = end;
  };
  response.writeHead = (...given: readonly unknown[]) => {
    head = given;
    return response;
  };
  response.end = (...body: readonly unknown[]) => {
    restore();
    const headers = response.getHeaders();
    const statusCode = response.statusCode;
    for (const name of Object.keys(headers)) response.removeHeader(name);
    decide(() => {
      response.statusCode = statusCode;
      for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
      if (head !== undefined) Reflect.apply(writeHead, response, head);
      Reflect.apply(end, response, body);
    }).catch(() => response.destroy());
    return response;
  };
}
