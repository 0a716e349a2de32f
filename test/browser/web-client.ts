import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { jsonOf } from "../support/json-of.ts";
import { pkce } from "../support/provider-harness.ts";

/** What came to a client's redirect URI. */
export interface AuthorizationAnswer {
  readonly code: string | null;
  readonly error: string | null;
  readonly state: string | null;
  readonly iss: string | null;
  /** Where it arrived, without the parameters. */
  readonly redirectUri: string;
}

/** A public OAuth client with a web page of its own, on the loopback. */
export interface WebClient extends AsyncDisposable {
  readonly name: string;
  readonly clientId: string;
  readonly redirectUri: string;
  /** Everything that came to the redirect URI, in order. */
  readonly answers: readonly AuthorizationAnswer[];
  /** Where the client sends the browser: every call is a request with a `state` and a PKCE verifier of its own. */
  authorizationUrl(parameters?: Readonly<Record<string, string>>): string;
  /** A page of the client that opens a URL in a popup window, and says so when the answer came back from there. */
  popupUrl(url: string): string;
  /** Redeems the code of an answer with the verifier that belongs to its `state`; gives back the access token. */
  redeem(answer: AuthorizationAnswer | undefined): Promise<string>;
}

/** The path of {@link WebClient.redirectUri}. */
export const callbackPath = "/callback";

/**
 * Starts a client and registers it at an authorization server. `localhost` is a second redirect host of it.
 *
 * @param metadata - Overrides what it registers with.
 * @param host - The loopback address that it listens on.
 */
export async function startWebClient(
  authorizationServer: string,
  name = "Scribe",
  metadata: Readonly<Record<string, unknown>> = {},
  host: "127.0.0.1" | "[::1]" = "127.0.0.1",
): Promise<WebClient> {
  const answers: AuthorizationAnswer[] = [];
  const verifiers = new Map<string, string>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
    response.setHeader("content-type", "text/html; charset=utf-8");
    if (url.pathname === callbackPath) {
      const [code, error, state, iss] = ["code", "error", "state", "iss"].map((key) => url.searchParams.get(key));
      const redirectUri = url.origin + url.pathname;
      answers.push({ code: code ?? null, error: error ?? null, state: state ?? null, iss: iss ?? null, redirectUri });
      response.end(answerPage(error === null ? "Connected" : "Not connected"));
    } else response.end(popupPage);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host.replace(/[[\]]/g, ""), resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The client has no port");
  const redirectUri = `http://${host}:${address.port}${callbackPath}`;

  const registration = await fetch(`${authorizationServer}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      redirect_uris: [redirectUri, redirectUri.replace(host, "localhost")],
      token_endpoint_auth_method: "none",
      client_name: name,
      ...metadata,
    }),
  });
  if (registration.status !== 201) throw new Error(`registration: ${registration.status} ${await registration.text()}`);
  const { client_id: clientId } = await jsonOf(registration);

  return {
    name,
    clientId,
    redirectUri,
    answers,
    authorizationUrl(parameters = {}) {
      const state = randomBytes(16).toString("base64url");
      const { verifier, challenge } = pkce();
      verifiers.set(state, verifier);
      return `${authorizationServer}/authorize?${new URLSearchParams({
        response_type: "code",
        client_id: clientId,
        redirect_uri: redirectUri,
        state,
        code_challenge: challenge,
        code_challenge_method: "S256",
        ...parameters,
      })}`;
    },
    popupUrl: (url) => `${new URL(redirectUri).origin}/popup?${new URLSearchParams({ url })}`,
    async redeem(answer) {
      const code_verifier = verifiers.get(answer?.state ?? "");
      if (answer === undefined || answer.code === null || code_verifier === undefined) {
        throw new Error("The client did not ask for this answer, or it has no code");
      }
      const { code, redirectUri: redirect_uri } = answer;
      const response = await fetch(`${authorizationServer}/token`, {
        method: "POST",
        body: new URLSearchParams({
          grant_type: "authorization_code",
          client_id: clientId,
          code,
          code_verifier,
          redirect_uri,
        }),
      });
      if (response.status !== 200) throw new Error(`token: ${response.status} ${await response.text()}`);
      return (await jsonOf(response)).access_token;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The redirect URI of a client that may have opened a popup: it tells the window that it came from. */
const answerPage = (
  heading: string,
): string => `<!doctype html><html lang="en"><title>${heading}</title><h1>${heading}</h1>
<script>
  if (opener) { opener.postMessage("${heading}", origin); close(); }
</script>`;

const popupPage = `<!doctype html><html lang="en"><title>Client</title><h1>Client</h1>
<button>Connect</button>
<script>
  const url = new URLSearchParams(location.search).get("url");
  document.querySelector("button").onclick = () => open(url, "login", "popup");
  onmessage = ({ data }) => { document.querySelector("h1").textContent = data + " in a popup"; };
</script>`;
