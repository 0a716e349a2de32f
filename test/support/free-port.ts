import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

// Both are below the range from which a system gives out ports by itself: no connection of another test takes one of
// these between the look and the use, or while a server that a test has killed is gone.
const firstOfAny = 10_000;
const firstOfOnce = 20_000;
const end = 32_000;

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(firstOfAny, firstOfOnce);
    if (await isFree(port)) return port;
  }
}

/**
 * Ports for servers that have to be told one, each given once, so that no connection that a client kept open can meet a
 * later server.
 */
export async function* freePorts(): AsyncGenerator<number, never> {
  for (let port = firstOfOnce + (process.pid % 5_000) * 2; port < end; port += 1) {
    if (await isFree(port)) yield port;
  }
  throw new Error(`No free port between ${firstOfOnce} and ${end}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
