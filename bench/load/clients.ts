import { createHash, randomBytes } from "node:crypto";
import { Agent, type IncomingHttpHeaders, request as sendRequest } from "node:http";
import { logInAtFakeUpstream } from "../../test/support/fake-upstream.ts";

/** What a client has after a login. */
export interface Person {
  readonly clientId: string;
  accessToken: string;
  refreshToken: string;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const redirectUri = "http://127.0.0.1:4999/callback";

/** Clients, and browsers of people, that send to servers on this machine over connections that stay open. */
export class Clients {
  readonly #ports: readonly number[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  #next = 0;

  /** @param ports - Of the instances, which take turns. */
  constructor(ports: readonly number[]) {
    this.#ports = ports;
  }

  /** Calls the guarded endpoint. */
  async call({ accessToken }: Person): Promise<string> {
    const headers = { authorization: `Bearer ${accessToken}`, "content-type": "application/json" };
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    const { status } = await this.#send("POST", "/mcp", headers, body);
    return String(status);
  }

  /** Refreshes. Where it is refused, the client keeps its token, as a client does. */
  async refresh(person: Person): Promise<string> {
    const { clientId, refreshToken } = person;
    const form = { grant_type: "refresh_token", client_id: clientId, refresh_token: refreshToken };
    const { status, body } = await this.#postForm("/token", form);
    if (status === 200) {
      const tokens = JSON.parse(body);
      person.accessToken = tokens.access_token;
      person.refreshToken = tokens.refresh_token;
    }
    return String(status);
  }

  /** A whole login in four requests. `ended` where there are tokens; else at which step it was refused, and how. */
  async logIn(clientId: string): Promise<string> {
    const verifier = randomBytes(32).toString("base64url");
    const query = new URLSearchParams({
      response_type: "code",
      client_id: clientId,
      redirect_uri: redirectUri,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      state: "client-state",
    });
    const page = await this.#send("GET", `/authorize?${query}`);
    if (page.status !== 200) return `authorize ${page.status}`;
    const request = /name="request" value="([^"]+)"/.exec(page.body)?.[1] ?? "";
    const cookie = cookiesOf(page);
    const origin = { origin: "http://127.0.0.1:4000", cookie };
    const decided = await this.#postForm("/consent", { request, decision: "allow" }, origin);
    if (decided.status !== 303) return `consent ${decided.status}`;
    const callback = logInAtFakeUpstream(new URL(decided.headers.location ?? ""), `person-${++this.#next}`);
    const cookies = [cookie, cookiesOf(decided)].filter((line) => line !== "").join("; ");
    const returned = await this.#send("GET", callback.pathname + callback.search, { cookie: cookies });
    if (returned.status !== 302) return `callback ${returned.status}`;
    const code = new URL(returned.headers.location ?? "").searchParams.get("code") ?? "";
    const redeem = { grant_type: "authorization_code", client_id: clientId, code, code_verifier: verifier };
    const tokens = await this.#postForm("/token", { ...redeem, redirect_uri: redirectUri });
    return tokens.status === 200 ? "ended" : `code ${tokens.status}`;
  }

  #postForm(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    const type = { "content-type": "application/x-www-form-urlencoded" };
    return this.#send("POST", path, { ...type, ...headers }, new URLSearchParams(form).toString());
  }

  #send(method: string, path: string, headers: Record<string, string> = {}, body = ""): Promise<Answer> {
    this.#next += 1;
    const port = this.#ports[this.#next % this.#ports.length];
    const length = method === "GET" ? {} : { "content-length": String(Buffer.byteLength(body)) };
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port, path, method, agent: this.#agent, headers: { ...headers, ...length } };
      const sent = sendRequest(options, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
        response.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function cookiesOf({ headers }: Answer): string {
  return (headers["set-cookie"] ?? []).map((line) => line.split(";")[0] ?? "").join("; ");
}
