import { McpOAuthProvider, type McpOAuthProviderOptions } from "../../src/index.ts";
import type { ProviderInternals } from "../../src/provider/configuration/internals.ts";
import { logInAtFakeUpstream } from "./fake-upstream.ts";
import { jsonOf } from "./json-of.ts";
import { ClientHarness, type IssuedTokens, pkce } from "./provider-harness.ts";

/** Where the servers of tests are whose people log in at fake upstreams. */
const baseUrl = "https://mcp.example";

/** Their secret, unless a test has another one. */
export const serverSecret = "a secret of this test, which is long enough";

/** A server with the scope `user`, seen from its clients. */
export type FakeUpstreamServer = ClientHarness<McpOAuthProvider>;

/** Starts a server that knows the scope `user`. Its upstream, store and clock are the test's. */
export function startServer(
  options: Omit<McpOAuthProviderOptions, "baseUrl" | "scopes">,
  internals: ProviderInternals = {},
): FakeUpstreamServer {
  const settings = { baseUrl, scopes: ["user"], secret: serverSecret, overload: false as const, ...options };
  return new ClientHarness(new McpOAuthProvider(settings, internals), baseUrl);
}

/** Registers a client and logs Ada in at the server's one upstream, up to the tokens. */
export async function logInAda(server: FakeUpstreamServer): Promise<IssuedTokens> {
  const { client_id: clientId } = await server.register();
  const { verifier, challenge } = pkce();
  const { location, cookie } = await server.beginLogin({ client_id: clientId, code_challenge: challenge });
  const answer = await server.finishLogin(logInAtFakeUpstream(location, "ada"), cookie);
  const issued = { clientId, verifier, code: answer.searchParams.get("code") ?? "" };
  return { ...issued, ...(await jsonOf(await server.redeem(issued))) };
}

/** The same, with the id of the grant and the upstream token that a tool gets. */
export async function logInAdaWithUpstream(
  server: FakeUpstreamServer,
): Promise<IssuedTokens & { readonly grantId: string; readonly upstreamToken: string }> {
  const tokens = await logInAda(server);
  const { grantId } = (await server.provider.verifyAccessToken(tokens.access_token)).extra;
  const { token } = await server.provider.upstreamToken({ token: tokens.access_token });
  return { ...tokens, grantId: String(grantId), upstreamToken: token };
}
