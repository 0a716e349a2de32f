import { expect, it } from "vitest";
import { documentUnavailable } from "../../../src/provider/client-documents/document-failure.ts";
import { fetchTransport } from "../../../src/provider/client-documents/fetch-transport.ts";
import { JsonFetcher } from "../../../src/provider/client-documents/json-fetcher.ts";
import { OperatorLog } from "../../../src/provider/reporting/logger.ts";
import { Reporter } from "../../../src/provider/reporting/reporter.ts";

const coded = (code: string) => new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code }) });
const url = new URL("https://client.example/client.json");

/** What keeps this server from the sites of clients, and the code that its operator reads. */
const outages: readonly (readonly [what: string, send: () => Promise<Response>, code: string])[] = [
  ["a connection that is refused", () => Promise.reject(coded("ECONNREFUSED")), "ECONNREFUSED"],
  ["name servers that do not answer", () => Promise.reject(coded("EAI_AGAIN")), "EAI_AGAIN"],
  ["a certificate of the proxy", () => Promise.reject(coded("SELF_SIGNED_CERT_IN_CHAIN")), "SELF_SIGNED_CERT_IN_CHAIN"],
  ["a proxy that wants a login", async () => new Response(null, { status: 407 }), "HTTP_407"],
];

/** What a client and an operator read of a failure. */
function reported(failure: unknown) {
  const lines: [level: string, text: string][] = [];
  const write = (level: string) => (text: unknown) => void lines.push([level, String(text)]);
  const logger = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  const answer = new Reporter(new OperatorLog(logger, Date.now)).failure(failure);
  return { answer, lines };
}

it.each(outages)("%s is an outage with advice, and no defect", async (_, send, code) => {
  const fetcher = new JsonFetcher({ maxBytes: 5_000, timeout: 5_000, transport: fetchTransport(send) });
  const failure: unknown = await fetcher.fetch(url, {}, new AbortController().signal).catch((error: unknown) => error);
  const { answer, lines } = reported(failure);
  expect(answer).toMatchObject({ status: 503, error: "temporarily_unavailable", retryAfterSeconds: 5 });
  expect(answer.message).not.toContain(code);
  expect(lines).toHaveLength(1);
  expect(lines[0]?.[1]).toContain(code);
  expect(lines[0]?.[1]).not.toContain("ERR_UNEXPECTED");
});

it("a site that answers that it is out is told as it was, without advice for this machine", () => {
  const { answer, lines } = reported(documentUnavailable("its site answers with status 503"));
  expect(answer.status).toBe(503);
  expect(lines[0]?.[1]).toContain("ERR_OAUTH");
});
