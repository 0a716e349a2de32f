import { createServer, type RequestListener, type Server } from "node:http";
import { PangeaOAuthProvider, type PangeaOAuthProviderOptions } from "../../src/index.ts";
import { FailingRepositories } from "./failing-repository.ts";
import { providerOptions } from "./provider-harness.ts";

/** Makes the provider of a server that is reached at this URL. */
export type ProviderFactory = (baseUrl: string) => PangeaOAuthProvider;

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
export function onNodeServer(createListener: (provider: PangeaOAuthProvider) => RequestListener): OpenMount {
  return async (createProvider) => {
    const server = createServer();
    await listen(server, 0);
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("The server has no port");
    const baseUrl = `http://127.0.0.1:${address.port}`;
    server.on("request", createListener(createProvider(baseUrl)));
    return { baseUrl, [Symbol.asyncDispose]: () => close(server) };
  };
}

/**
 * Ports for servers that have to be told one, each given once, so that no connection that a client kept open can meet a
 * later server. They are below the range from which the system gives out ports by itself.
 */
export async function* freePorts(): AsyncGenerator<number, never> {
  for (let port = 20_000 + (process.pid % 5_000) * 2; port < 32_000; port += 1) {
    const server = createServer();
    const isFree = await listen(server, port).then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await close(server);
    yield port;
  }
  throw new Error("No free port between 20000 and 32000");
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
