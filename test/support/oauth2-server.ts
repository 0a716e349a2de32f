import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { oAuth2Client } from "./upstream-clients.ts";

interface IssuedCode {
  readonly redirectUri: string;
  readonly challenge: string;
}

/**
 * A provider of OAuth 2.0 without OpenID Connect over HTTP, with the paths and the manners of GitHub: refusals have the status
 * 200 and names of their own, and an API says who the user is. Everybody is logged in as ada at once. Codes and refresh tokens
 * are good once.
 */
export async function startOAuth2Server(): Promise<AsyncDisposable & { readonly url: string }> {
  const codes = new Map<string, IssuedCode>();
  const refreshTokens = new Set<string>();
  const accessTokens = new Set<string>();
  const issue = () => {
    const [access, refresh] = [0, 0].map(() => randomBytes(12).toString("base64url"));
    accessTokens.add(`gho_${access}`);
    refreshTokens.add(`ghr_${refresh}`);
    return { access_token: `gho_${access}`, refresh_token: `ghr_${refresh}`, token_type: "bearer", expires_in: 28_800 };
  };
  const token = (form: URLSearchParams) => {
    if (form.get("client_id") !== oAuth2Client.clientId || form.get("client_secret") !== oAuth2Client.clientSecret) {
      return { error: "incorrect_client_credentials" };
    }
    if (form.get("grant_type") === "refresh_token") {
      return refreshTokens.delete(form.get("refresh_token") ?? "") ? issue() : { error: "bad_refresh_token" };
    }
    const code = form.get("code") ?? "";
    const issued = codes.get(code);
    codes.delete(code);
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const isGood = issued?.challenge === challenge && issued.redirectUri === form.get("redirect_uri");
    return isGood ? issue() : { error: "bad_verification_code" };
  };
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const json = (status: number, body: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (pathname === "/login/oauth/authorize") {
      const code = randomBytes(12).toString("base64url");
      const redirectUri = searchParams.get("redirect_uri") ?? "";
      codes.set(code, { redirectUri, challenge: searchParams.get("code_challenge") ?? "" });
      const location = `${redirectUri}?${new URLSearchParams({ code, state: searchParams.get("state") ?? "" })}`;
      response.writeHead(302, { location }).end();
    } else if (pathname === "/login/oauth/access_token") {
      json(200, token(new URLSearchParams(await text(request))));
    } else if (pathname === "/api/v3/user") {
      const isKnown = accessTokens.has((request.headers.authorization ?? "").replace(/^Bearer /, ""));
      json(isKnown ? 200 : 401, isKnown ? { id: 583_231, login: "ada" } : { message: "Bad credentials" });
    } else {
      json(404, { message: "Not Found" });
    }
  };
  const server = createServer((request, response) => {
    respond(request, response).catch((failure: unknown) => response.destroy(new Error(String(failure))));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
