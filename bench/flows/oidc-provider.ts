import type { RequestListener } from "node:http";
import Provider, { type KoaContextWithOIDC } from "oidc-provider";
import {
  authorizationUrl,
  listen,
  type MeasuredServer,
  redeem,
  redirectUri,
  refreshing,
  type Tokens,
} from "./measured-server.ts";
import { newPkce, send } from "./sent.ts";

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
  const tokenEndpoint = `${origin}/token`;
  const client = { client_id: clientId };
  const logIn = async (): Promise<Tokens> => {
    const { verifier, challenge } = newPkce();
    let answer = await send(agent, authorizationUrl(`${origin}/auth`, clientId, challenge));
    while (answer.status === 303 && !answer.location.startsWith(redirectUri)) {
      answer = await send(agent, new URL(answer.location, origin), { cookies: answer.cookies });
    }
    return redeem(agent, tokenEndpoint, client, answer.location, verifier);
  };
  return { ...refreshing(agent, tokenEndpoint, client, logIn), [Symbol.asyncDispose]: close };
}
