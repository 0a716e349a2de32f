import { ConfigurationError } from "../errors.ts";

/** The body of a request that somebody has read before, and of which nothing is left. */
export function lostBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.error(
        new ConfigurationError(
          "A middleware has read the body of the request and has left nothing of it. Mount pangeaAuth(provider) before it, or let it keep the body as request.body.",
        ),
      );
    },
  });
}
