import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy between a client and a server, with the faults of a network. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections open now. */
  readonly connectionCount: number;
  /** Delays everything in both directions, in milliseconds. */
  delay(milliseconds: number): void;
  /** Keeps the connections open and lets nothing through, in either direction: a half-open connection. */
  stall(): void;
  /** Lets requests through and keeps the answers: the server acts and the client never hears of it. */
  withholdReplies(): void;
  /**
   * Loses answers: where `isLost` says so of a reply, it is dropped and its connection reset. The first replies of a
   * connection, by which client and server come to know each other, always get through.
   */
  loseReplies(isLost: () => boolean): void;
  /** Ends {@link stall}, {@link withholdReplies} and {@link loseReplies}. What was kept back is sent on. */
  flow(): void;
  /** Closes every connection in good order. */
  cut(): void;
  /** Resets every connection. */
  reset(): void;
  /** Closes new connections at once, as a port does behind which the server has died. */
  refuse(): void;
  /** Takes new connections again. */
  accept(): void;
  /** Leads new connections to another server, as a name service does after a failover. */
  redirect(targetPort: number): void;
}

/** How many replies of a connection are let through for the greeting. */
const greetingReplies = 4;

/** Starts a proxy on a free port in front of a server. */
export async function startTcpProxy(targetPort: number, targetHost = "127.0.0.1"): Promise<TcpProxy> {
  const links = new Set<Link>();
  let latency = 0;
  let requestsFlow = true;
  let repliesFlow = true;
  let isLost = (): boolean => false;
  let refusing = false;
  let target = targetPort;

  const server = createServer((client) => {
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const link: Link = { client, upstream: connect(target, targetHost), requests: [], replies: [] };
    links.add(link);
    const close = (): void => {
      links.delete(link);
      client.destroy();
      link.upstream.destroy();
    };
    const pump = (): void => {
      if (requestsFlow) for (const chunk of link.requests.splice(0)) link.upstream.write(chunk);
      if (repliesFlow) for (const chunk of link.replies.splice(0)) client.write(chunk);
    };
    link.pump = pump;
    const forward = (queue: Buffer[]) => (chunk: Buffer) => {
      const queueAndPump = (): void => {
        queue.push(chunk);
        pump();
      };
      if (latency > 0) setTimeout(queueAndPump, latency);
      else queueAndPump();
    };
    const forwardReply = forward(link.replies);
    let replies = 0;
    client.on("data", forward(link.requests));
    link.upstream.on("data", (chunk: Buffer) => {
      replies += 1;
      if (replies > greetingReplies && isLost()) client.resetAndDestroy();
      else forwardReply(chunk);
    });
    for (const socket of [client, link.upstream]) {
      socket.setNoDelay(true);
      socket.on("error", close);
      socket.on("close", close);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");

  return {
    port: address.port,
    get connectionCount() {
      return links.size;
    },
    delay: (milliseconds) => {
      latency = milliseconds;
    },
    stall: () => {
      requestsFlow = false;
      repliesFlow = false;
    },
    withholdReplies: () => {
      repliesFlow = false;
    },
    loseReplies: (given) => {
      isLost = given;
    },
    flow: () => {
      isLost = () => false;
      requestsFlow = true;
      repliesFlow = true;
      for (const link of links) link.pump?.();
    },
    cut: () => {
      for (const link of links) link.client.end();
    },
    reset: () => {
      for (const link of links) link.client.resetAndDestroy();
    },
    refuse: () => {
      refusing = true;
    },
    accept: () => {
      refusing = false;
    },
    redirect: (port) => {
      target = port;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const link of links) link.client.destroy();
      await once(server, "close");
    },
  };
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly requests: Buffer[];
  readonly replies: Buffer[];
  pump?: () => void;
}
