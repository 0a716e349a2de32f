import { createInMemoryRepositories, McpOAuthProvider, type McpOAuthProviderOptions } from "../../src/index.ts";
import { AccountBrowser } from "./account-browser.ts";
import { FakeUpstream, logInAtFakeUpstream } from "./fake-upstream.ts";
import { jsonOf } from "./json-of.ts";
import { ManualClock } from "./manual-clock.ts";
import { ClientHarness, type IssuedTokens, pkce } from "./provider-harness.ts";

/** A server with an account page, in front of the fake upstream. */
export interface AccountServer {
  readonly clock: ManualClock;
  readonly upstream: FakeUpstream;
  readonly provider: McpOAuthProvider;
  readonly harness: ClientHarness<McpOAuthProvider>;
  /** What the log was told, and how loudly. */
  readonly lines: readonly string[];
  /** Logs a person in for a client, who allows it. */
  allow(clientId: string, user?: string, scope?: string): Promise<IssuedTokens>;
  register(name: string, metadata?: Record<string, unknown>): Promise<string>;
  /** A browser that has no cookies yet. */
  browser(): AccountBrowser;
  /** How many grants a person has. */
  grantsOf(user: string): Promise<number>;
}

/** Makes a server. */
export function accountServer(options: Partial<McpOAuthProviderOptions> = {}): AccountServer {
  const clock = new ManualClock();
  const upstream = new FakeUpstream(clock.read);
  const lines: string[] = [];
  const write = (level: string) => (text: unknown) => void lines.push(`${level} ${text}`);
  const baseUrl = String(options.baseUrl ?? "https://mcp.example/notes");
  const provider = new McpOAuthProvider({
    scopes: ["user", "admin"],
    upstream,
    secret: "a secret of this test, which is long enough",
    repositories: createInMemoryRepositories({ clock: clock.read }),
    clock: clock.read,
    overload: false,
    consent: { brandName: "Acme Notes", scopeDescriptions: { user: "Read your notes" } },
    logger: { debug() {}, info: write("info"), warn: write("warn"), error: write("error") },
    ...options,
    baseUrl,
  });
  const harness = new ClientHarness(provider, baseUrl);
  return {
    ...{ clock, upstream, provider, harness, lines },
    allow: async (clientId, user = "ada", scope = "user") => {
      const { verifier, challenge } = pkce();
      const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge, scope });
      const redirect = await harness.finishLogin(logInAtFakeUpstream(location, user), cookie);
      const issued = { clientId, code: redirect.searchParams.get("code") ?? "", verifier };
      return { ...issued, ...(await jsonOf(await harness.redeem(issued))) };
    },
    register: async (client_name, metadata = {}) => (await harness.register({ client_name, ...metadata })).client_id,
    browser: () => new AccountBrowser(harness),
    grantsOf: async (subject) => {
      let count = 0;
      for await (const _grant of provider.listGrants({ subject })) count += 1;
      return count;
    },
  };
}
