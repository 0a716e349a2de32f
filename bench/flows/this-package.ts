import type { RequestListener } from "node:http";
import { McpOAuthProvider } from "../../src/index.ts";
import { pangeaAuth } from "../../src/integrations/node.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../test/support/fake-upstream.ts";
import { jsonOf } from "../../test/support/json-of.ts";
import {
  authorizationUrl,
  clientMetadata,
  fieldOf,
  listen,
  type MeasuredServer,
  redeem,
  refreshing,
  type Tokens,
} from "./measured-server.ts";
import { newPkce, send } from "./sent.ts";

/** This package, and what else it can do of a login. */
export interface ThisPackage extends MeasuredServer {
  /** A login in a browser that remembers what its user has allowed: no page, and a request less. */
  logInAgain(): Promise<Tokens>;
}

/** This package with its state in memory: four requests to a login, with the upstream's part left out. */
export async function thisPackage(): Promise<ThisPackage> {
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
  const registered = await fetch(`${origin}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(clientMetadata),
  });
  const { client_id: clientId } = await jsonOf(registered);
  const tokenEndpoint = `${origin}/token`;
  const client = { client_id: clientId };
  const logInWith = async (remembered: ReadonlyMap<string, string>) => {
    const { verifier, challenge } = newPkce();
    let answer = await send(agent, authorizationUrl(`${origin}/authorize`, clientId, challenge), {
      cookies: remembered,
    });
    if (answer.status === 200) {
      answer = await send(agent, new URL(`${origin}/consent`), {
        form: { request: fieldOf(answer.body, "request"), decision: "allow" },
        cookies: answer.cookies,
        headers: { origin },
      });
    }
    const callback = logInAtFakeUpstream(new URL(answer.location), "ada");
    const returned = await send(agent, callback, { cookies: answer.cookies });
    const tokens = await redeem(agent, tokenEndpoint, client, returned.location, verifier);
    return { tokens, cookies: returned.cookies };
  };
  const logIn = async (): Promise<Tokens> => (await logInWith(new Map())).tokens;
  let remembered: ReadonlyMap<string, string> = new Map();
  return {
    ...refreshing(agent, tokenEndpoint, client, logIn),
    logInAgain: async () => {
      const { tokens, cookies } = await logInWith(remembered);
      remembered = cookies;
      return tokens;
    },
    [Symbol.asyncDispose]: close,
  };
}
