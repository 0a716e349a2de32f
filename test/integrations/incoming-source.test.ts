import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { incomingSource } from "../../src/integrations/incoming-source.ts";

/** What becomes of a read: its parts as text, and its end. */
type Ended = { readonly text: string; readonly end: "ended" | Error };

let server: ReturnType<typeof createServer>;
let onRequest: (incoming: IncomingMessage) => void;

beforeEach(async () => {
  server = createServer((incoming, response) => {
    onRequest(incoming);
    response.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A client that has sent this much of a request, and the request as the server has it. */
async function received(head: string, ...bodies: readonly string[]) {
  const { port } = server.address() as AddressInfo;
  const incoming = new Promise<IncomingMessage>((resolve) => {
    onRequest = resolve;
  });
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(`POST / HTTP/1.1\r\nhost: localhost\r\n${head}\r\n\r\n`);
  for (const body of bodies) socket.write(body);
  return { socket, incoming: await incoming };
}

async function readAll(incoming: IncomingMessage, onPart: (text: string) => void = () => undefined): Promise<Ended> {
  let text = "";
  try {
    await incomingSource(incoming).read((part) => {
      text += Buffer.from(part).toString();
      onPart(text);
    });
    return { text, end: "ended" };
  } catch (failure) {
    return { text, end: failure instanceof Error ? failure : new Error(String(failure)) };
  }
}

describe("the body of a node:http request", () => {
  it.each([
    ["of a known length", "content-length: 6", ["a=1&b="]],
    ["in chunks", "transfer-encoding: chunked", ["4\r\na=1&\r\n", "2\r\nb=\r\n0\r\n\r\n"]],
    ["that is empty", "content-length: 0", []],
  ])("%s is read to its end", async (_, head, bodies) => {
    const { incoming } = await received(head, ...bodies);
    expect(await readAll(incoming)).toEqual({ text: bodies.length === 0 ? "" : "a=1&b=", end: "ended" });
  });

  it("is read as bytes, though the application asked for text", async () => {
    const { incoming } = await received("content-length: 4", "a=é");
    incoming.setEncoding("utf8");
    expect(await readAll(incoming)).toEqual({ text: "a=é", end: "ended" });
  });

  it("ends with what whoever takes it throws, and is read no further", async () => {
    const { socket, incoming } = await received("content-length: 60000", "a=1");
    const tooLong = new Error("Too long.");
    const read = readAll(incoming, () => {
      throw tooLong;
    });
    expect(await read).toEqual({ text: "a=1", end: tooLong });
    socket.write("more");
    expect(incoming.isPaused()).toBe(true);
    expect(incoming.listenerCount("data")).toBe(0);
  });

  it("fails where the connection is closed before the end", async () => {
    const { socket, incoming } = await received("content-length: 60000", "a=1");
    const read = readAll(incoming, () => socket.destroy());
    expect((await read).end).toBeInstanceOf(Error);
  });

  it("is given up at once where that is asked for", async () => {
    const { incoming } = await received("content-length: 60000", "a=1");
    const source = incomingSource(incoming);
    const read = source.read(() => source.cancel());
    await expect(read).resolves.toBeUndefined();
    expect(incoming.listenerCount("end")).toBe(0);
  });

  it("that nobody reads can be given up too", async () => {
    const { incoming } = await received("content-length: 60000", "a=1");
    expect(() => incomingSource(incoming).cancel()).not.toThrow();
  });
});
