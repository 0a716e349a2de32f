import { gitHub, oAuth2, openIdConnect, pangeaAuthn, type Upstream } from "../../src/index.ts";
import { oAuth2Client, serverClient } from "./upstream-clients.ts";

/** A kind of upstream, each of which the tests have as a server over HTTP. */
export type UpstreamKind = "Pangea AuthN" | "OpenID Connect" | "OAuth 2.0";

/** The upstream of this kind whose server is at this URL. */
export function upstreamAt(kind: UpstreamKind, url: string): Upstream {
  switch (kind) {
    case "Pangea AuthN":
      return pangeaAuthn({
        issuerUrl: url,
        clientId: "psa_emulatoremulatoremulatoremulator",
        clientSecret: "pck_emulatoremulatoremulatoremulator",
        scopes: ["user"],
      });
    case "OpenID Connect":
      return openIdConnect({ issuer: url, ...serverClient });
    case "OAuth 2.0":
      return oAuth2(gitHub({ ...oAuth2Client, url }));
  }
}
