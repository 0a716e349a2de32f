import { once } from "node:events";
import { createServer } from "node:http";
import Provider, { type Configuration, type KoaContextWithOIDC } from "oidc-provider";
import { z } from "zod";
import { BrowserSession } from "./browser-session.ts";
import { serverClient } from "./upstream-clients.ts";

const parametersSchema = z.object({ client_id: z.string(), scope: z.string() });

/** A certified OpenID provider over HTTP, where everybody is logged in as ada at once, or refused. */
export interface OpenIdProviderServer extends AsyncDisposable {
  readonly issuer: string;
  /** What the person does at the next login. */
  decision: "log in" | "deny";
  /** Follows a login page by page, as a browser does; gives back the URL of the client's callback. */
  followLogin(location: URL): Promise<URL>;
}

/** @param changes - Of oidc-provider's configuration. */
export async function startOpenIdProvider(
  redirectUri: string,
  changes: Configuration = {},
): Promise<OpenIdProviderServer> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: serverClient.clientId,
        client_secret: serverClient.clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username"] },
    findAccount: async (_, accountId) => ({
      accountId,
      claims: async () => ({
        sub: accountId,
        email: `${accountId}@example.org`,
        email_verified: true,
        preferred_username: accountId,
      }),
    }),
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    ttl: {
      Interaction: 60,
      Session: 60,
      Grant: 3_600,
      AccessToken: 3_600,
      IdToken: 600,
      RefreshToken: 3_600,
      AuthorizationCode: 60,
    },
    ...changes,
  });
  const running: OpenIdProviderServer = {
    issuer,
    decision: "log in",
    followLogin: (location) => new BrowserSession().login(location),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  provider.use(async (context: KoaContextWithOIDC, next) => {
    if (!context.path.startsWith("/interaction/")) return next();
    const details = await provider.interactionDetails(context.req, context.res);
    const { client_id: clientId, scope } = parametersSchema.parse(details.params);
    if (running.decision === "deny") {
      await provider.interactionFinished(context.req, context.res, { error: "access_denied" });
      return;
    }
    const grant = new provider.Grant({ accountId: "ada", clientId });
    grant.addOIDCScope(scope);
    const consent = { grantId: await grant.save() };
    await provider.interactionFinished(context.req, context.res, { login: { accountId: "ada" }, consent });
  });
  server.on("request", provider.callback());
  return running;
}
