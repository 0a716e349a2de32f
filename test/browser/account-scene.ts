import { createServer } from "node:http";
import type { Page } from "playwright-core";
import { McpOAuthProvider, type McpOAuthProviderOptions, type UpstreamTokens } from "../../src/index.ts";
import { protectMcp } from "../../src/integrations/node.ts";
import { ClientSite, clientId, documentWith } from "../provider/client-documents/client-site.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../support/fake-upstream.ts";
import { jsonOf } from "../support/json-of.ts";
import { ClientHarness, pkce } from "../support/provider-harness.ts";

/** An upstream where a person is logged in already: it sends the browser back at once. */
class QuickUpstream extends FakeUpstream {
  user = "ada@example.com";
  /** Whether it has a page to sign out. */
  readonly hasLogout: boolean;

  constructor(clock: () => number, hasLogout: boolean) {
    super(clock);
    this.hasLogout = hasLogout;
  }

  override async authorizationUrl(login: Parameters<FakeUpstream["authorizationUrl"]>[0]): Promise<URL> {
    return logInAtFakeUpstream(await super.authorizationUrl(login), this.user);
  }

  override async identify(tokens: UpstreamTokens) {
    const { subject } = await super.identify(tokens);
    return { subject, username: subject };
  }

  async logoutUrl(_tokens: UpstreamTokens, returnTo: string): Promise<URL | undefined> {
    return this.hasLogout ? new URL(`${returnTo}?from=upstream`) : undefined;
  }
}

/** A server with an account page, and people who have allowed applications there. */
export interface AccountScene extends AsyncDisposable {
  readonly baseUrl: string;
  readonly provider: McpOAuthProvider;
  /** Has somebody allow a client; the latest of several logins comes last. */
  allow(client: string, user: string, scope?: string): Promise<void>;
  register(name: string, metadata?: Record<string, unknown>): Promise<string>;
  /** Moves the clock of the server. */
  advanceSeconds(seconds: number): void;
  /** Signs somebody in by the page's button. */
  signIn(page: Page, user: string): Promise<void>;
}

/** The client that the options name, and the one that has a document. */
export const configuredClient = "acme-cli";
export const documentedClient = clientId;

/** The time of a scene, until it is moved. */
const firstDay = Date.UTC(2026, 9, 1, 8, 30);

/** Opens a scene. Its clock stands still, so that pictures of it are the same each time. */
export async function openAccountScene(
  options: Partial<McpOAuthProviderOptions> = {},
  { hasLogout = true, path = "" } = {},
): Promise<AccountScene> {
  const parts = new AsyncDisposableStack();
  try {
    const site = parts.use(await ClientSite.open());
    site.clock.advance(firstDay - site.clock.read());
    site.handler = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(documentWith({ client_name: "Scribe" })));
    };
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    parts.defer(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("The server has no port");
    const baseUrl = `http://127.0.0.1:${address.port}${path}`;
    const upstream = new QuickUpstream(site.clock.read, hasLogout);
    const given: McpOAuthProviderOptions = {
      baseUrl,
      scopes: ["user", "admin"],
      upstream,
      secret: "a secret of this test, which is long enough",
      clock: site.clock.read,
      logger: false,
      rateLimits: false,
      clients: [
        { client_id: configuredClient, client_name: "Acme CLI", redirect_uris: ["http://127.0.0.1:4999/callback"] },
      ],
      ...options,
    };
    const provider = parts.use(new McpOAuthProvider(given, site.network));
    server.on(
      "request",
      protectMcp(provider, (_request, response) => response.end()),
    );
    const harness = new ClientHarness(provider, baseUrl);
    const opened = parts.move();
    return {
      baseUrl,
      provider,
      advanceSeconds: (seconds) => site.clock.advanceSeconds(seconds),
      register: async (client_name, metadata = {}) => (await harness.register({ client_name, ...metadata })).client_id,
      allow: async (client_id, user, scope = "user") => {
        upstream.user = user;
        // What a person allows comes after whatever was ended.
        site.clock.advance(1);
        const isDocument = client_id === clientId;
        const redirect_uri = isDocument ? "https://client.example/callback" : harness.redirectUri;
        const { verifier, challenge } = pkce();
        const asked = { client_id, redirect_uri, code_challenge: challenge, scope };
        const { location, cookie } = await harness.beginLogin(asked);
        const code = (await harness.finishLogin(location, cookie)).searchParams.get("code") ?? "";
        const answer = await harness.redeem({ clientId: client_id, code, verifier }, { redirect_uri });
        const { access_token: token } = await jsonOf(answer);
        if (token === undefined) throw new Error("The client got no token");
      },
      signIn: async (page, user) => {
        upstream.user = user;
        await page.goto(`${baseUrl}/account`);
        await page.getByRole("button", { name: "Sign in", exact: true }).click();
        await page.getByRole("heading", { name: "What you have allowed" }).waitFor();
      },
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  } catch (failure) {
    await parts.disposeAsync();
    throw failure;
  }
}
