import type { IncomingMessage, ServerResponse } from "node:http";
import type { AdapterPayload } from "oidc-provider";
import { requireThat } from "../../option-checks.ts";
import { createAuthorizationServer } from "./authorization-server.ts";
import { defaultEmulatorClient, defaultEmulatorPassword, defaultEmulatorUser } from "./defaults.ts";
import { EmulatedClients } from "./emulated-clients.ts";
import { answerLogin } from "./login-endpoint.ts";
import { answerLogout } from "./logout-endpoint.ts";
import { OidcStorage } from "./oidc-storage.ts";
import type { AuthnEmulatorOptions, EmulatorOAuthClient, EmulatorUser } from "./options.ts";
import type { AuthnParts } from "./parts.ts";
import { answerClientLookup, answerRegistration } from "./registration-endpoint.ts";
import { sendOAuthError } from "./replies.ts";
import { oauthRoutes, servicePrefix } from "./routes.ts";
import { answerServiceCall } from "./service-api.ts";
import { UserDirectory } from "./user-directory.ts";

/** Tokens that a user holds at the emulator and that would still be accepted. */
export interface LiveTokens {
  readonly accessTokens: readonly string[];
  readonly refreshTokens: readonly string[];
}

/** Pangea AuthN on loopback: its OAuth server and the part of its service API that the SDK's `AuthNService` calls. */
export interface AuthnEmulator extends AsyncDisposable {
  readonly issuer: string;
  /** Answers one HTTP request. A path that is not AuthN's gets a 404. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Adds a user, or replaces the one with the same username, while the emulator runs. */
  setUser(user: EmulatorUser): void;
  /** Adds an OAuth client, or replaces the one with the same id, while the emulator runs. */
  registerClient(client: EmulatorOAuthClient): void;
  /** The id (`pui_…`) of a user. */
  userId(username: string): string;
  /** Ends every session of a user, as an administrator would: its tokens, codes and browser logins are dead at once. */
  endSessions(username: string): void;
  /** What a user holds. For assertions: the values are secrets, keep them out of logs. */
  liveTokens(username: string): LiveTokens;
}

/**
 * Builds the AuthN part of the emulator, a request handler for `node:http`. It opens no port itself.
 *
 * A headless client signs in by posting the fields `username`, `password` and `action` (`login` or `cancel`), as a form
 * and with the cookies that it was given, to the URL that the authorization endpoint redirects to.
 *
 * @throws {ConfigurationError} when an option is wrong or `oidc-provider` is not installed.
 *
 * @example
 * ```ts
 * const authn = await createAuthnEmulator({ issuer: "http://127.0.0.1:4000", isServiceTokenAccepted: () => true });
 * const server = createServer((request, response) => void authn.handle(request, response)).listen(4000, "127.0.0.1");
 * ```
 */
export async function createAuthnEmulator(options: AuthnEmulatorOptions): Promise<AuthnEmulator> {
  const { users: givenUsers, clients: givenClients, autoLogin, ...settings } = options;
  const { issuer, clock = Date.now } = options;
  requireThat(
    URL.canParse(issuer) && new URL(issuer).origin === issuer,
    "issuer must be an origin such as http://127.0.0.1:4000, without a path or a slash",
  );
  const parts: AuthnParts = {
    refreshTokens: true,
    refreshTokenRotation: true,
    accessTokenLifetimeSeconds: 172_800,
    refreshTokenLifetimeSeconds: 2_592_000,
    ...settings,
    clock,
    users: new UserDirectory(givenUsers ?? [defaultEmulatorUser]),
    clients: new EmulatedClients(givenClients ?? [defaultEmulatorClient], clock),
    storage: new OidcStorage(clock),
  };
  const { users, clients, storage } = parts;
  if (autoLogin !== undefined) users.require(autoLogin);
  for (const name of ["accessTokenLifetimeSeconds", "refreshTokenLifetimeSeconds"] as const) {
    const isWhole = Number.isSafeInteger(parts[name]) && parts[name] > 0;
    requireThat(isWhole, `${name} must be a whole number of seconds above 0`);
  }
  const provider = await createAuthorizationServer(parts);
  const answerOAuth = provider.callback();
  const { username, password = defaultEmulatorPassword } = defaultEmulatorUser;
  const login = {
    provider,
    users,
    clients,
    autoLogin,
    hint: givenUsers === undefined ? { username, password } : undefined,
  };
  const isHeldBy = (username: string) => {
    const { id } = users.require(username);
    return ({ accountId }: AdapterPayload) => accountId === id;
  };
  let closed = false;

  return {
    issuer,
    async handle(request, response) {
      const [pathname = "/"] = (request.url ?? "/").split(/[?#]/);
      if (closed) {
        sendOAuthError(response, 503, "temporarily_unavailable", "The emulator is closed");
      } else if (pathname.startsWith(`${servicePrefix}/`)) {
        await answerServiceCall({ ...parts, provider }, pathname.slice(servicePrefix.length), request, response);
      } else if (pathname.startsWith(`${oauthRoutes.login}/`)) {
        await answerLogin(login, request, response);
      } else if (pathname === oauthRoutes.logout && request.method === "GET") {
        await answerLogout({ storage, issuer }, request, response);
      } else if (pathname === oauthRoutes.registration && request.method === "POST") {
        await answerRegistration(parts, request, response);
      } else if (pathname === oauthRoutes.clients && request.method === "GET") {
        answerClientLookup(parts, request, response);
      } else {
        await answerOAuth(request, response);
      }
    },
    setUser: (user) => users.set(user),
    registerClient: (client) => clients.configure(client),
    userId: (username) => users.require(username).id,
    endSessions: (username) => storage.deleteWhere(isHeldBy(username)),
    liveTokens: (username) => ({
      accessTokens: storage.liveIds("AccessToken", isHeldBy(username)),
      refreshTokens: storage.liveIds("RefreshToken", isHeldBy(username)),
    }),
    async [Symbol.asyncDispose]() {
      closed = true;
      storage.clear();
    },
  };
}
