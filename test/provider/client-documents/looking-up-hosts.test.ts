import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { createHostResolver } from "../../../src/provider/client-documents/resolve-host.ts";

const ipv4 = 1;
const ipv6 = 28;
const failures = { "server failure": 2, "no such name": 3 } as const;

/** The address records of one type, as bytes, or a failure; `silent` for no answer at all. */
type Answer = readonly (readonly number[])[] | keyof typeof failures | "silent";

/** A name server on this machine (RFC 1035) that answers every name in the same way. */
class NameServer implements AsyncDisposable {
  readonly #socket: Socket = createSocket("udp4");
  readonly questions: Record<number, number> = {};

  static async open(answers: Record<number, Answer>): Promise<NameServer> {
    const server = new NameServer();
    server.#socket.on("message", (query, from) => {
      const type = query.readUInt16BE(query.indexOf(0, 12) + 1);
      server.questions[type] = (server.questions[type] ?? 0) + 1;
      const answer = answers[type] ?? [];
      if (answer !== "silent") server.#socket.send(reply(query, type, answer), from.port, from.address);
    });
    server.#socket.bind(0, "127.0.0.1");
    await once(server.#socket, "listening");
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }
}

function reply(query: Buffer, type: number, answer: Exclude<Answer, "silent">): Buffer {
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const records = typeof answer === "string" ? [] : answer;
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180 | (typeof answer === "string" ? failures[answer] : 0), 2);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt32BE(0, 8);
  const body = records.map((bytes) => Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, bytes.length, ...bytes]));
  return Buffer.concat([header, question, ...body]);
}

const public4 = [93, 184, 215, 14];
const loopback6 = [...Array<number>(15).fill(0), 1];

async function lookUp(answers: Record<number, Answer>, signal = new AbortController().signal): Promise<unknown> {
  await using server = await NameServer.open(answers);
  return await createHostResolver([server.address])("client.example", signal);
}

describe("looking a host up", () => {
  it("finds the addresses of both families, so that all can be checked", async () => {
    expect(await lookUp({ [ipv4]: [public4, [10, 0, 0, 1]], [ipv6]: [loopback6] })).toEqual([
      "93.184.215.14",
      "10.0.0.1",
      "::1",
    ]);
  });

  it("is content with one family", async () => {
    expect(await lookUp({ [ipv4]: [public4], [ipv6]: [] })).toEqual(["93.184.215.14"]);
    expect(await lookUp({ [ipv4]: [], [ipv6]: [loopback6] })).toEqual(["::1"]);
    expect(await lookUp({ [ipv4]: [public4], [ipv6]: "server failure" })).toEqual(["93.184.215.14"]);
  });

  it("finds nothing where there is no such name, or no address", async () => {
    expect(await lookUp({ [ipv4]: "no such name", [ipv6]: "no such name" })).toEqual([]);
    expect(await lookUp({ [ipv4]: [], [ipv6]: [] })).toEqual([]);
  });

  it("does not take a failure for an absence", async () => {
    await expect(lookUp({ [ipv4]: "server failure", [ipv6]: "no such name" })).rejects.toMatchObject({
      code: "ESERVFAIL",
    });
  });

  it("is given up when its caller gives up", async () => {
    await using server = await NameServer.open({ [ipv4]: "silent", [ipv6]: "silent" });
    const giveUp = new AbortController();
    const looking = createHostResolver([server.address])("client.example", giveUp.signal);
    const cancelled = expect(looking).rejects.toMatchObject({ code: "ECANCELLED" });
    await expect.poll(() => server.questions[ipv4]).toBeGreaterThan(0);
    giveUp.abort();
    await cancelled;
  });

  it("is not begun for a caller that has given up", async () => {
    await expect(lookUp({}, AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
  });
});

it.each(["a..b", `${"a".repeat(64)}.example`, `${"label.".repeat(60)}example`])(
  "%s, which no host can be called, has no address",
  async (name) => {
    await using server = await NameServer.open({});
    expect(await createHostResolver([server.address])(name, new AbortController().signal)).toEqual([]);
  },
);
