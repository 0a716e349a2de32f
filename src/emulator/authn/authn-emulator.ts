import type { IncomingMessage, ServerResponse } from "node:http";
import { ConfigurationError } from "../../errors.ts";
import {
  envelope,
  invalid,
  methodNotAllowed,
  noSuchEndpoint,
  type PangeaReply,
  unauthorized,
} from "../http/envelope.ts";
import { readBody } from "../http/request-body.ts";
import { pangeaIdentifier } from "../pangea-identifier.ts";
import { createAuthorizationServer } from "./authorization-server.ts";
import { defaultEmulatorClient, defaultEmulatorPassword, defaultEmulatorUser } from "./defaults.ts";
import { ClientRegistry } from "./emulated-clients.ts";
import { answerLogin } from "./login-endpoint.ts";
import { OidcStorage } from "./oidc-storage.ts";
import { answerClientLookup, answerRegistration } from "./registration-endpoint.ts";
import { sendJson } from "./replies.ts";
import { oauthRoutes, servicePrefix } from "./routes.ts";
import { answerServiceCall } from "./service-api.ts";
import type { AuthnEmulator, AuthnEmulatorOptions } from "./types.ts";
import { UserDirectory } from "./user-directory.ts";

const defaultAccessTokenLifetimeSeconds = 172_800;
const defaultRefreshTokenLifetimeSeconds = 2_592_000;

/**
 * Builds the AuthN part of the emulator, a request handler for `node:http`. It opens no port itself.
 *
 * A headless client signs in by posting the fields `username`, `password` and `action` (`login` or `cancel`), as a form
 * and with the cookies that it was given, to the URL that the authorization endpoint redirects to.
 *
 * @throws ConfigurationError when an option is wrong or `oidc-provider` is not installed.
 *
 * @example
 * ```ts
 * const authn = await createAuthnEmulator({ issuer: "http://127.0.0.1:4000", isServiceTokenAccepted: () => true });
 * const server = createServer((request, response) => void authn.handle(request, response)).listen(4000, "127.0.0.1");
 * ```
 */
export async function createAuthnEmulator(options: AuthnEmulatorOptions): Promise<AuthnEmulator> {
  const { issuer, isServiceTokenAccepted, autoLogin } = options;
  if (!URL.canParse(issuer) || new URL(issuer).origin !== issuer) {
    throw new ConfigurationError("issuer must be an origin such as http://127.0.0.1:4000, without a path or a slash");
  }
  const clock = options.clock ?? Date.now;
  const users = new UserDirectory(options.users ?? [defaultEmulatorUser]);
  const clients = new ClientRegistry(options.clients ?? [defaultEmulatorClient], clock);
  if (autoLogin !== undefined) users.require(autoLogin);
  const storage = new OidcStorage(clock);
  const refreshTokenRotation = options.refreshTokenRotation ?? true;
  const provider = await createAuthorizationServer({
    issuer,
    users,
    clients,
    storage,
    refreshTokens: options.refreshTokens ?? true,
    refreshTokenRotation,
    accessTokenLifetimeSeconds: positiveSeconds(
      "accessTokenLifetimeSeconds",
      options.accessTokenLifetimeSeconds ?? defaultAccessTokenLifetimeSeconds,
    ),
    refreshTokenLifetimeSeconds: positiveSeconds(
      "refreshTokenLifetimeSeconds",
      options.refreshTokenLifetimeSeconds ?? defaultRefreshTokenLifetimeSeconds,
    ),
  });
  const answerOAuth = provider.callback();
  const hint =
    options.users === undefined
      ? { username: defaultEmulatorUser.username, password: defaultEmulatorPassword }
      : undefined;
  const login = { provider, users, clients, autoLogin, hint };
  const registration = { clients, clock, isServiceTokenAccepted };
  const service = { issuer, provider, storage, users, clock, refreshTokenRotation };
  let closed = false;

  async function answerService(request: IncomingMessage, pathname: string): Promise<PangeaReply> {
    const body = await readBody(request);
    if (request.method !== "POST") return methodNotAllowed();
    if (!isServiceTokenAccepted(request.headers.authorization)) return unauthorized();
    if (body === undefined) return invalid("AboveMaxLength", "", "The request body is too large.");
    return (await answerServiceCall(service, pathname.slice(servicePrefix.length), body)) ?? noSuchEndpoint();
  }

  return {
    issuer,
    async handle(request, response) {
      const [pathname = "/"] = (request.url ?? "/").split(/[?#]/);
      if (closed) {
        sendJson(response, 503, { error: "temporarily_unavailable", error_description: "The emulator is closed" });
      } else if (pathname.startsWith(`${servicePrefix}/`)) {
        const requestTime = clock();
        const reply = await answerService(request, pathname);
        sendEnvelope(response, reply, requestTime, clock());
      } else if (pathname.startsWith(`${oauthRoutes.login}/`)) {
        await answerLogin(login, request, response);
      } else if (pathname === oauthRoutes.registration && request.method === "POST") {
        await answerRegistration(registration, request, response);
      } else if (pathname === oauthRoutes.clients && request.method === "GET") {
        answerClientLookup(registration, request, response);
      } else {
        await answerOAuth(request, response);
      }
    },
    setUser: (user) => users.set(user),
    registerClient: (client) => clients.configure(client),
    userId: (username) => users.require(username).id,
    endSessions(username) {
      const { id } = users.require(username);
      storage.deleteWhere((payload) => payload.accountId === id);
    },
    liveTokens(username) {
      const { id } = users.require(username);
      return {
        accessTokens: storage.liveIds("AccessToken", (payload) => payload.accountId === id),
        refreshTokens: storage.liveIds(
          "RefreshToken",
          (payload) => payload.accountId === id && payload.consumed === undefined,
        ),
      };
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      storage.clear();
    },
  };
}

function sendEnvelope(response: ServerResponse, reply: PangeaReply, requestTime: number, responseTime: number): void {
  const requestId = pangeaIdentifier("prq");
  sendJson(response, reply.httpStatus, envelope(reply, requestId, requestTime, responseTime), {
    "x-request-id": requestId,
  });
}

function positiveSeconds(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value <= 0) {
    throw new ConfigurationError(`${name} must be a whole number of seconds above 0`);
  }
  return value;
}
