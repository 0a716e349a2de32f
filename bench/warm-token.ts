import {
  type AuthInfo,
  cacheRepositories,
  createInMemoryRepositories,
  McpOAuthProvider,
  type ProviderRepositories,
  type Upstream,
} from "../src/index.ts";
import { formatAccessToken, formatHandle } from "../src/provider/oauth/grant-credential.ts";
import { accessTokenKey, grantIdOf } from "../src/records/keys.ts";

const hour = 3_600;

/** An upstream that nobody is sent to. */
export const unusedUpstream: Upstream = {
  id: "unused",
  name: "Unused",
  issuer: "https://login.example.org",
  timeout: 1_000,
  keyMaterial: "a text that only the benchmark has, 32 characters or more",
  authorizationUrl: () => new URL("https://login.example.org/authorize"),
  exchange: refuse,
  refresh: refuse,
  revoke: refuse,
  identify: refuse,
};

async function refuse(): Promise<never> {
  throw new Error("Nobody logs in here.");
}

/** A provider whose repositories have a cache in front of them. */
export function cachedProvider(baseUrl = "http://localhost:3000"): {
  readonly provider: McpOAuthProvider;
  readonly repositories: ProviderRepositories;
} {
  const repositories = cacheRepositories(createInMemoryRepositories(), { maxStaleness: 24 * hour * 1_000 });
  const provider = new McpOAuthProvider({
    baseUrl,
    scopes: ["user", "mail"],
    requiredScopes: ["user"],
    upstream: unusedUpstream,
    repositories,
  });
  return { provider, repositories };
}

/** Stores access tokens with a grant each, and shows each of them once, so that all of them are in the cache. */
export async function warmTokens(
  provider: Pick<McpOAuthProvider, "resource" | "verifyAccessToken">,
  repositories: ProviderRepositories,
  count: number,
): Promise<AuthInfo[]> {
  const createdAt = Math.floor(Date.now() / 1_000);
  const expiresAt = createdAt + 24 * hour;
  const resource = new URL(provider.resource);
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const handle = formatHandle(numbered(index, 16));
      const token = formatAccessToken(handle, numbered(index, 32));
      const grantId = grantIdOf(handle);
      const shared = { clientId: `client-${index}`, subject: `user-${index}`, scopes: ["user", "mail"], resource };
      await repositories.grants.set(grantId, { ...shared, createdAt, expiresAt });
      await repositories.accessTokens.set(accessTokenKey(token), { ...shared, expiresAt, grantId });
      return provider.verifyAccessToken(token);
    }),
  );
}

function numbered(index: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, index + 1);
  return bytes;
}
