import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { type McpOAuthProvider, PangeaOAuthProvider, type PangeaOAuthProviderOptions } from "../../src/index.ts";
import { FailingRepositories } from "./intercepted-repository.ts";
import { providerOptions } from "./provider-harness.ts";

/** Makes the provider of a server that is reached at this URL, whatever its upstream is. */
export type ProviderFactory = (baseUrl: string) => McpOAuthProvider | Promise<McpOAuthProvider>;

/** Starts a server with a mount in it. */
export type OpenMount = (createProvider: ProviderFactory) => Promise<AsyncDisposable & { readonly baseUrl: string }>;

/** A running MCP server behind a provider, and what a test moves in it. */
export interface ProtectedServer extends AsyncDisposable {
  readonly baseUrl: string;
  readonly mcpUrl: string;
  readonly provider: PangeaOAuthProvider;
  readonly store: FailingRepositories;
  /** Moves the clock of the provider and of its store, which otherwise shows the real time. */
  advanceSeconds(seconds: number): void;
}

/** Starts a server with its own store and clock. */
export async function startProtectedServer(
  open: OpenMount,
  issuerUrl: string,
  options: (baseUrl: string) => Partial<PangeaOAuthProviderOptions> = () => ({}),
): Promise<ProtectedServer> {
  let offset = 0;
  const clock = () => Date.now() + offset;
  const store = new FailingRepositories({ clock });
  const providers: PangeaOAuthProvider[] = [];
  const opened = await open((mcpBaseUrl) => {
    const provider = new PangeaOAuthProvider({
      ...providerOptions(issuerUrl),
      mcpBaseUrl,
      repositories: store.repositories,
      clock,
      ...options(mcpBaseUrl),
    });
    providers.push(provider);
    return provider;
  });
  const [provider] = providers;
  if (provider === undefined) throw new Error("The mount made no provider");
  const { baseUrl } = opened;
  return {
    baseUrl,
    mcpUrl: `${baseUrl}/mcp`,
    provider,
    store,
    advanceSeconds: (seconds) => {
      offset += seconds * 1000;
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** A mount that is a listener of `node:http`: the server listens first, because the provider needs its URL. */
export function onNodeServer(createListener: (provider: McpOAuthProvider) => RequestListener): OpenMount {
  return async (createProvider) => {
    const server = createServer();
    await listen(server);
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("The server has no port");
    const baseUrl = `http://127.0.0.1:${address.port}`;
    try {
      server.on("request", createListener(await createProvider(baseUrl)));
    } catch (failure) {
      await close(server);
      throw failure;
    }
    return { baseUrl, [Symbol.asyncDispose]: () => close(server) };
  };
}

async function listen(server: Server): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
