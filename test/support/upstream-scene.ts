import { startPangeaEmulator } from "../../src/emulator.ts";
import { createInMemoryRepositories, McpOAuthProvider, type McpOAuthProviderOptions } from "../../src/index.ts";
import { protectMcp } from "../../src/integrations/node.ts";
import { startOAuth2Server } from "./oauth2-server.ts";
import { startOpenIdProvider } from "./openid-provider-server.ts";
import { type OpenMount, onNodeServer } from "./protected-server.ts";
import { type UpstreamKind, upstreamAt } from "./upstream-at.ts";
import { serveWhoamiV1 } from "./whoami-server.ts";

/** What `whoami` says of ada at each kind of upstream. */
export const upstreamKinds = {
  "Pangea AuthN": "ada@example.com",
  "OpenID Connect": "ada@example.org",
  "OAuth 2.0": "ada",
} as const satisfies Readonly<Record<UpstreamKind, string>>;

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

const nodeMount = onNodeServer((provider) =>
  protectMcp(provider, (request, response) => serveWhoamiV1(provider, request, response)),
);

/**
 * Opens one.
 *
 * @param changes - Of the provider's options.
 * @param mount - Default: that for `node:http`.
 */
export async function openUpstreamScene(
  kind: UpstreamKind,
  changes: Partial<Omit<McpOAuthProviderOptions, "emailDomains" | "upstream" | "upstreams">> = {},
  mount: OpenMount = nodeMount,
): Promise<UpstreamScene> {
  await using parts = new AsyncDisposableStack();
  let offset = 0;
  const clock = () => Date.now() + offset;
  let made: McpOAuthProvider | undefined;
  const { baseUrl } = parts.use(
    await mount(async (url) => {
      const upstream = upstreamAt(kind, await startUpstream(kind, url, parts));
      made = new McpOAuthProvider({
        baseUrl: url,
        scopes: ["user", "admin"],
        secret: "a secret of this scene, which is long enough",
        repositories: createInMemoryRepositories({ clock }),
        clock,
        logger: false,
        overload: false,
        ...changes,
        upstream,
      });
      return parts.use(made);
    }),
  );
  if (made === undefined) throw new Error("The mount made no provider");
  const opened = parts.move();
  return {
    baseUrl,
    mcpUrl: `${baseUrl}/mcp`,
    provider: made,
    advanceSeconds: (seconds) => {
      offset += seconds * 1_000;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/**
 * Starts a server of this kind, which ends with the parts.
 *
 * @param baseUrl - Of the MCP server whose people log in there.
 * @returns What {@link upstreamAt} takes: its URL.
 */
export async function startUpstream(kind: UpstreamKind, baseUrl: string, parts: AsyncDisposableStack): Promise<string> {
  switch (kind) {
    case "Pangea AuthN": {
      const emulator = await startPangeaEmulator({ users: [{ username: "ada@example.com" }] });
      parts.defer(() => emulator.close());
      return emulator.issuerUrl;
    }
    case "OpenID Connect": {
      const changes = { issueRefreshToken: async () => true, rotateRefreshToken: true };
      return parts.use(await startOpenIdProvider(`${baseUrl}/oidc/callback`, changes)).issuer;
    }
    case "OAuth 2.0":
      return parts.use(await startOAuth2Server()).url;
  }
}
