import type { IncomingMessage } from "node:http";
import type { BodySource } from "../provider/http/body-source.ts";

/**
 * Reads the body of a `node:http` request as it comes, without a Web stream around it, which costs more than all else that
 * reading a form does.
 */
export function incomingSource(incoming: IncomingMessage): BodySource {
  let stop: () => void = () => undefined;
  return {
    read: (take) =>
      new Promise((resolve, reject) => {
        const onData = (part: Buffer | string): void => {
          try {
            take(typeof part === "string" ? Buffer.from(part, incoming.readableEncoding ?? "utf8") : part);
          } catch (failure) {
            end(() => reject(failure));
          }
        };
        const onEnd = (): void => end(resolve);
        const onError = (failure: Error): void => end(() => reject(failure));
        // A connection that closes before the end may do so without an error.
        const onClose = (): void => end(() => reject(new Error("The connection was closed.")));
        const end = (settle: () => void): void => {
          incoming.off("data", onData).off("end", onEnd).off("error", onError).off("close", onClose);
          // What is left is drained by whoever answers the request.
          incoming.pause();
          settle();
        };
        stop = () => end(resolve);
        incoming.on("end", onEnd).on("error", onError).on("close", onClose).on("data", onData);
      }),
    cancel: () => stop(),
  };
}
