import type { DrawnRequest } from "./drawn-request.ts";
import { upstreamToken, upstreamUrls } from "./fuzzed-upstream.ts";
import { baseUrl, redirectUri } from "./honest-client.ts";

/** Where a browser may be sent: to a client, to an upstream, or back to this server's own page. */
const destinations = new Set([
  new URL(redirectUri).hostname,
  "app.example",
  ...Object.values(upstreamUrls).map((url) => new URL(url).hostname),
  new URL(baseUrl).hostname,
]);

/** What an answer says that it must not say; undefined where all is well. */
export async function faultOf(
  drawn: DrawnRequest,
  response: Response,
  isTroubled: boolean,
  secrets: readonly string[],
): Promise<string | undefined> {
  const { status, headers } = response;
  if (status >= 500 && !(status === 503 && isTroubled)) return `status ${status}`;
  if (status === 503 && headers.get("retry-after") === null) return "503 without Retry-After";
  const location = headers.get("location");
  const target = location === null ? undefined : new URL(location);
  const text = await response.text();
  if (drawn.mustBeRefused && !isTroubled && drawn.endpoint.isGranted(response, target, text))
    return "granted, and must not be";
  if (target !== undefined) {
    const isApplication = target.protocol !== "http:" && target.protocol !== "https:";
    if (isApplication || !destinations.has(target.hostname)) return `sent to ${target.origin}`;
  }
  for (const [, value] of headers) if (/[\r\n\0]/.test(value)) return "a header with a line break in it";

  const type = headers.get("content-type") ?? "";
  const everything = `${text}\n${[...headers].join("\n")}`;
  for (const secret of secrets) if (everything.includes(secret)) return "a secret in the answer";
  if (everything.includes(upstreamToken)) return "an upstream's token in the answer";
  if (type.startsWith("text/html"))
    // What a stranger has sent may be shown as text; within a tag it would be markup.
    return /<(script|img|iframe|svg)|<[^>]*\son\w+=/i.test(text) ? "a page with foreign markup" : undefined;
  if (type.startsWith("application/json")) return faultOfJson(text, status);
  return text === "" || status < 300 ? undefined : `an error of type ${type || "none"}`;
}

function faultOfJson(text: string, status: number): string | undefined {
  const body: unknown = text === "" ? {} : JSON.parse(text);
  if (typeof body !== "object" || body === null) return "JSON that is not an object";
  if (status < 400 || text === "") return undefined;
  return "error" in body && typeof body.error === "string" ? undefined : "an error without a code";
}
