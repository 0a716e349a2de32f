import { once } from "node:events";
import { createServer } from "node:http";
import { startPangeaEmulator } from "../../src/emulator.ts";
import {
  createInMemoryRepositories,
  gitHub,
  McpOAuthProvider,
  oAuth2,
  openIdConnect,
  pangeaAuthn,
  type Upstream,
} from "../../src/index.ts";
import { protectMcp } from "../../src/integrations/node.ts";
import { oAuth2Client, startOAuth2Server } from "./oauth2-server.ts";
import { serverClient, startOpenIdProvider } from "./openid-provider-server.ts";
import { serveWhoamiV1 } from "./whoami-server.ts";

/** Each kind of upstream, as a server over HTTP, and what `whoami` says of ada there. */
export const upstreamKinds = {
  "Pangea AuthN": "ada@example.com",
  "OpenID Connect": "ada@example.org",
  "OAuth 2.0": "ada",
} as const;

export type UpstreamKind = keyof typeof upstreamKinds;

/** The kinds beside Pangea AuthN, with which everything else is tested. */
export const otherUpstreams = ["OpenID Connect", "OAuth 2.0"] as const satisfies readonly UpstreamKind[];

/** An MCP server with the tool `whoami` behind a provider, whose upstream is a server of its own. */
export interface UpstreamScene extends AsyncDisposable {
  readonly baseUrl: string;
  readonly mcpUrl: string;
  readonly provider: McpOAuthProvider;
  /** Moves the clock of the provider and of its store. */
  advanceSeconds(seconds: number): void;
}

/** Opens one. */
export async function openUpstreamScene(kind: UpstreamKind): Promise<UpstreamScene> {
  const parts = new AsyncDisposableStack();
  try {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    parts.defer(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const baseUrl = `http://127.0.0.1:${port}`;
    let offset = 0;
    const clock = () => Date.now() + offset;
    const provider = parts.use(
      new McpOAuthProvider({
        baseUrl,
        scopes: ["user", "admin"],
        upstream: await starts[kind](baseUrl, parts),
        secret: "a secret of this scene, which is long enough",
        repositories: createInMemoryRepositories({ clock }),
        clock,
        logger: false,
        overload: false,
      }),
    );
    server.on(
      "request",
      protectMcp(provider, (request, response) => serveWhoamiV1(provider, request, response)),
    );
    const opened = parts.move();
    return {
      baseUrl,
      mcpUrl: `${baseUrl}/mcp`,
      provider,
      advanceSeconds: (seconds) => {
        offset += seconds * 1_000;
      },
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  } catch (failure) {
    await parts.disposeAsync();
    throw failure;
  }
}

const starts: Readonly<Record<UpstreamKind, (baseUrl: string, parts: AsyncDisposableStack) => Promise<Upstream>>> = {
  "Pangea AuthN": async (_, parts) => {
    const emulator = await startPangeaEmulator({ users: [{ username: "ada@example.com" }] });
    parts.defer(() => emulator.close());
    return pangeaAuthn({
      issuerUrl: emulator.issuerUrl,
      clientId: "psa_emulatoremulatoremulatoremulator",
      clientSecret: "pck_emulatoremulatoremulatoremulator",
      scopes: ["user"],
    });
  },
  "OpenID Connect": async (baseUrl, parts) => {
    const changes = { issueRefreshToken: async () => true, rotateRefreshToken: true };
    const { issuer } = parts.use(await startOpenIdProvider(`${baseUrl}/oidc/callback`, changes));
    return openIdConnect({ issuer, ...serverClient });
  },
  "OAuth 2.0": async (_, parts) => {
    const { url } = parts.use(await startOAuth2Server());
    return oAuth2(gitHub({ ...oAuth2Client, url }));
  },
};
