import { createHash, randomBytes } from "node:crypto";
import { type Agent, request as sendRequest } from "node:http";

/** An answer, and what the browser has afterwards. */
export interface Answer {
  readonly status: number;
  readonly location: string;
  readonly body: string;
  readonly cookies: ReadonlyMap<string, string>;
}

/** Sends a request over HTTP as a browser or a client does; a form where there is one. It follows no redirect. */
export function send(
  agent: Agent,
  url: URL,
  { form, cookies = new Map(), headers = {} }: SendOptions = {},
): Promise<Answer> {
  const body = form && new URLSearchParams(form).toString();
  return new Promise((resolve, reject) => {
    const sent = sendRequest(
      url,
      {
        agent,
        method: body === undefined ? "GET" : "POST",
        headers: {
          ...headers,
          ...(cookies.size > 0 && { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") }),
          ...(body !== undefined && {
            "content-type": "application/x-www-form-urlencoded",
            "content-length": Buffer.byteLength(body),
          }),
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", reject);
        response.on("end", () => {
          const kept = new Map(cookies);
          for (const line of response.headers["set-cookie"] ?? []) {
            const [pair = ""] = line.split(";");
            const [name = "", value = ""] = pair.split(/=(.*)/s);
            if (value === "") kept.delete(name);
            else kept.set(name, value);
          }
          const { statusCode: status = 0, headers: received } = response;
          resolve({ status, location: received.location ?? "", body: text, cookies: kept });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** What is sent beside the URL. */
export interface SendOptions {
  readonly form?: Record<string, string>;
  readonly cookies?: ReadonlyMap<string, string>;
  readonly headers?: Record<string, string>;
}

/** A new PKCE pair (RFC 7636). */
export function newPkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}
