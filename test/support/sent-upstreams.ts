import { oAuth2, pangeaAuthn, type Upstream } from "../../src/index.ts";
import { scriptedClient } from "./scripted-openid-provider.ts";

/** What a test answers in the place of the network. */
export type Send = (request: Request) => Promise<Response>;

/** Pangea AuthN at an address, by the network unless a test answers. */
export function pangeaAt(issuerUrl: string, send?: Send): Upstream {
  return pangeaAuthn({
    issuerUrl,
    clientId: "psa_emulatoremulatoremulatoremulator",
    clientSecret: "pck_emulatoremulatoremulatoremulator",
    scopes: ["user"],
    ...(send !== undefined && { fetch: send }),
  });
}

/** A provider of OAuth 2.0 without OpenID Connect. */
export function plainUpstream(send: Send): Upstream {
  return oAuth2({
    id: "acme",
    name: "Acme",
    issuer: "https://acme.example",
    authorizationEndpoint: "https://acme.example/authorize",
    tokenEndpoint: "https://acme.example/token",
    ...scriptedClient,
    identify: async () => ({ subject: "ada" }),
    fetch: send,
  });
}
