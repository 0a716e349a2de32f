import { once } from "node:events";
import { Agent, createServer, type RequestListener } from "node:http";
import Provider, { type KoaContextWithOIDC } from "oidc-provider";
import { McpOAuthProvider } from "../../src/index.ts";
import { pangeaAuth } from "../../src/integrations/node.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../test/support/fake-upstream.ts";
import { jsonOf } from "../../test/support/json-of.ts";
import { newPkce, send } from "./sent.ts";

/** What a login ends with. */
interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** An authorization server whose flows are measured. */
export interface MeasuredServer extends AsyncDisposable {
  /** A whole login: authorization, consent, the way upstream and back, and the code's tokens. */
  logIn(): Promise<Tokens>;
  /** A refresh with the token of the one before. */
  refresh(): Promise<void>;
}

const redirectUri = "http://127.0.0.1:4999/callback";

/** This package with its state in memory: four requests to a login, with the upstream's part left out. */
export async function thisPackage(): Promise<MeasuredServer> {
  let listener: RequestListener = () => undefined;
  const { origin, close, agent } = await listen((request, response) => listener(request, response));
  const provider = new McpOAuthProvider({
    baseUrl: origin,
    scopes: ["user"],
    upstream: new FakeUpstream(Date.now),
    secret: "a secret of the flows' benchmark, of 32 characters or more",
    rateLimits: false,
    logger: false,
  });
  listener = pangeaAuth(provider, (_, response) => response.end());
  const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: "none", client_name: "Client" };
  const registered = await fetch(`${origin}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...metadata, grant_types: ["authorization_code", "refresh_token"] }),
  });
  const { client_id: clientId } = await jsonOf(registered);
  const logIn = async (): Promise<Tokens> => {
    const { verifier, challenge } = newPkce();
    const page = await send(agent, authorizationUrl(`${origin}/authorize`, clientId, challenge));
    const request = /name="request" value="([^"]+)"/.exec(page.body)?.[1] ?? "";
    const decided = await send(agent, new URL(`${origin}/consent`), {
      form: { request, decision: "allow" },
      cookies: page.cookies,
      headers: { origin },
    });
    const callback = logInAtFakeUpstream(new URL(decided.location), "ada");
    const returned = await send(agent, callback, { cookies: decided.cookies });
    return redeem(agent, `${origin}/token`, clientId, returned.location, verifier);
  };
  return { ...refreshing(agent, `${origin}/token`, clientId, logIn), [Symbol.asyncDispose]: close };
}

/**
 * oidc-provider with its state in memory. Its own interaction is finished at once, so that there is no consent page and no
 * upstream; the tokens are opaque, there is no ID token, and refresh tokens rotate.
 */
export async function oidcProvider(): Promise<MeasuredServer> {
  let listener: RequestListener = () => undefined;
  const { origin, close, agent } = await listen((request, response) => listener(request, response));
  const clientId = "client";
  const provider = new Provider(origin, {
    clients: [
      {
        client_id: clientId,
        token_endpoint_auth_method: "none",
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        application_type: "native",
      },
    ],
    scopes: ["user"],
    findAccount: async (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    ttl: {
      Interaction: 60,
      Session: 60,
      Grant: 86_400,
      AccessToken: 3_600,
      RefreshToken: 86_400,
      AuthorizationCode: 60,
    },
  });
  provider.use(async (context: KoaContextWithOIDC, next) => {
    if (!context.path.startsWith("/interaction/")) return next();
    const grant = new provider.Grant({ accountId: "ada", clientId });
    grant.addOIDCScope("user");
    const consent = { grantId: await grant.save() };
    return provider.interactionFinished(context.req, context.res, { login: { accountId: "ada" }, consent });
  });
  listener = provider.callback();
  const logIn = async (): Promise<Tokens> => {
    const { verifier, challenge } = newPkce();
    let answer = await send(agent, authorizationUrl(`${origin}/auth`, clientId, challenge));
    while (answer.status === 303 && !answer.location.startsWith(redirectUri)) {
      answer = await send(agent, new URL(answer.location, origin), { cookies: answer.cookies });
    }
    return redeem(agent, `${origin}/token`, clientId, answer.location, verifier);
  };
  return { ...refreshing(agent, `${origin}/token`, clientId, logIn), [Symbol.asyncDispose]: close };
}

async function listen(listener: RequestListener) {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const agent = new Agent({ keepAlive: true });
  const close = async (): Promise<void> => {
    agent.destroy();
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return { origin: `http://127.0.0.1:${port}`, close, agent };
}

function authorizationUrl(endpoint: string, clientId: string, challenge: string): URL {
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: "user",
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: "state",
  });
  return new URL(`${endpoint}?${query}`);
}

async function redeem(agent: Agent, endpoint: string, clientId: string, location: string, verifier: string) {
  const form = {
    grant_type: "authorization_code",
    client_id: clientId,
    code: new URL(location).searchParams.get("code") ?? "",
    redirect_uri: redirectUri,
    code_verifier: verifier,
  };
  return tokensOf(await send(agent, new URL(endpoint), { form }));
}

/** Logs in with the first refresh: oidc-provider's store keeps the thousand records that were used last. */
function refreshing(agent: Agent, endpoint: string, clientId: string, logIn: () => Promise<Tokens>) {
  let token: string | undefined;
  const refresh = async (): Promise<void> => {
    token ??= (await logIn()).refresh_token;
    const form = { grant_type: "refresh_token", client_id: clientId, refresh_token: token };
    ({ refresh_token: token } = tokensOf(await send(agent, new URL(endpoint), { form })));
  };
  return { logIn, refresh };
}

function tokensOf({ status, body }: { readonly status: number; readonly body: string }): Tokens {
  if (status !== 200) throw new Error(`Tokens were expected and this came: ${status} ${body}`);
  const tokens: Tokens = JSON.parse(body);
  if (typeof tokens.refresh_token !== "string") throw new Error("There is no refresh token.");
  return tokens;
}
