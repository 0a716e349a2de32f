import { namedGlideFailure } from "./glide-failure.ts";
import { type GlideLike, isClosed } from "./glide-like.ts";

/** GLIDE's `Decoder.String`: replies are texts, whatever the client's `defaultDecoder`. */
const decoder = 1;

/** Sends a command by GLIDE, and says its failures in the words of the port. */
export async function sendByGlide(client: GlideLike, command: readonly string[], route?: object): Promise<unknown> {
  try {
    return await client.customCommand([...command], route === undefined ? { decoder } : { decoder, route });
  } catch (error) {
    throw namedGlideFailure(error);
  }
}

/**
 * GLIDE connects, and connects again, by itself and without telling: a command waits inside it for as long as its
 * `requestTimeout` allows. So its clients count as ready until they are closed.
 */
export function glideStatus(client: GlideLike): string {
  return isClosed(client) ? "end" : "ready";
}
