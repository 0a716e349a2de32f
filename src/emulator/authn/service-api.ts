import type { IncomingMessage, ServerResponse } from "node:http";
import type { Provider } from "oidc-provider";
import { z } from "zod";
import {
  envelope,
  invalid,
  methodNotAllowed,
  noSuchEndpoint,
  type PangeaReply,
  success,
  unauthorized,
} from "../http/envelope.ts";
import { jsonEndpoint } from "../http/json-endpoint.ts";
import { readBody } from "../http/request-body.ts";
import { randomIdentifier, stableIdentifier } from "../identifiers.ts";
import { audienceOf } from "./authorization-server.ts";
import type { AuthnParts } from "./parts.ts";
import { sendJson } from "./replies.ts";

/** What AuthN's service API works with. */
export interface ServiceApiParts extends AuthnParts {
  readonly provider: Provider;
}

type Token = InstanceType<Provider["AccessToken"]> | InstanceType<Provider["RefreshToken"]>;

const userToken = z.string().regex(/^(ptu_[a-z2-7]{32})|([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/);
const anyToken = z
  .string()
  .regex(/^(p(ti|tr|ts|tu|cl)_[a-z2-7]{32})|([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/);
const sessionToken = z.string().regex(/^ptr_[a-z2-7]{32}$/);
const userId = z.string().regex(/^[a-zA-Z0-9 '.:/_-]+$/);

/** Where a project has several configurations of AuthN, both SDKs name one in every request. */
const common = { config_id: z.string().optional() };

type Endpoint = (body: string, parts: ServiceApiParts) => PangeaReply | Promise<PangeaReply>;

const endpoints: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
  ["/v2/client/token/check", jsonEndpoint(z.strictObject({ ...common, token: anyToken }), checkToken)],
  ["/v2/client/session/logout", jsonEndpoint(z.strictObject({ ...common, token: userToken }), logOut)],
  [
    "/v2/client/session/refresh",
    jsonEndpoint(
      z.strictObject({ ...common, refresh_token: sessionToken, user_token: userToken.optional() }),
      refreshSession,
    ),
  ],
  ["/v2/session/logout", jsonEndpoint(z.strictObject({ ...common, user_id: userId }), logOutUser)],
]);

/** Answers a call of AuthN's service API. */
export async function answerServiceCall(
  parts: ServiceApiParts,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestTime = parts.clock();
  const reply = await replyTo(parts, path, request);
  const requestId = randomIdentifier("prq");
  const body = envelope(reply, { requestId, requestTime }, parts.clock());
  sendJson(response, reply.httpStatus, body, { "x-request-id": requestId });
}

async function replyTo(parts: ServiceApiParts, path: string, request: IncomingMessage): Promise<PangeaReply> {
  const body = await readBody(request);
  if (request.method !== "POST") return methodNotAllowed;
  if (!parts.isServiceTokenAccepted(request.headers.authorization)) return unauthorized;
  if (body === undefined) return invalid("AboveMaxLength", "", "The request body is too large.");
  return (await endpoints.get(path)?.(body, parts)) ?? noSuchEndpoint;
}

async function checkToken(request: { token: string }, parts: ServiceApiParts): Promise<PangeaReply> {
  const token = await parts.provider.AccessToken.find(request.token);
  if (token === undefined) return unknownToken("/token");
  return success("Token is valid", describeToken(parts, token));
}

async function logOut(request: { token: string }, parts: ServiceApiParts): Promise<PangeaReply> {
  const token = await parts.provider.AccessToken.find(request.token);
  if (token === undefined) return unknownToken("/token");
  const { sessionUid, grantId } = token;
  parts.storage.deleteWhere(
    (payload, model) =>
      payload.grantId === grantId ||
      (model === "Grant" && payload.jti === grantId) ||
      (sessionUid !== undefined && (payload.sessionUid === sessionUid || payload.uid === sessionUid)),
  );
  return success("Session was logged out", {});
}

function logOutUser(request: { user_id: string }, parts: ServiceApiParts): PangeaReply {
  const user = parts.users.byId(request.user_id);
  if (user === undefined) return invalid("DoesNotExist", "/user_id", "There is no such user.");
  parts.storage.deleteWhere((payload) => payload.accountId === user.id);
  return success("The user's sessions were logged out", {});
}

async function refreshSession(
  request: { refresh_token: string; user_token?: string | undefined },
  parts: ServiceApiParts,
): Promise<PangeaReply> {
  const { provider, storage, issuer } = parts;
  const presented = await provider.RefreshToken.find(request.refresh_token);
  const client = await provider.Client.find(presented?.clientId ?? "");
  const grantId = presented?.grantId;
  if (presented === undefined || client === undefined || grantId === undefined) return unknownToken("/refresh_token");
  if (presented.consumed !== undefined) {
    storage.deleteWhere((payload) => payload.grantId === grantId);
    return unknownToken("/refresh_token");
  }
  const { accountId, sessionUid, sid, resource, scope = "", rotations = 0 } = presented;
  const shared = { client, accountId, grantId, sessionUid, sid, scope, gty: "authorization_code refresh_token" };
  let refreshTokenValue = request.refresh_token;
  if (parts.refreshTokenRotation) {
    await presented.consume();
    refreshTokenValue = await new provider.RefreshToken({ ...shared, resource, rotations: rotations + 1 }).save();
  }
  const aud = audienceOf([resource ?? issuer].flat()[0] ?? issuer, issuer, client.clientId);
  const activeValue = await new provider.AccessToken({ ...shared, aud }).save();
  const previous = await provider.AccessToken.find(request.user_token ?? "");
  if (previous?.grantId === grantId) await previous.destroy();
  const [refreshToken, active] = await Promise.all([
    provider.RefreshToken.find(refreshTokenValue),
    provider.AccessToken.find(activeValue),
  ]);
  if (refreshToken === undefined || active === undefined) return unknownToken("/refresh_token");
  return success("Session was refreshed", {
    refresh_token: { token: refreshTokenValue, ...describeToken(parts, refreshToken) },
    active_token: { token: activeValue, ...describeToken(parts, active) },
  });
}

function describeToken(parts: ServiceApiParts, token: Token): object {
  const user = parts.users.byId(token.accountId);
  const issuedAt = (token.iat ?? 0) + parts.storage.offsetSeconds;
  return {
    id: stableIdentifier("pmt", token.jti),
    type: token.kind === "AccessToken" ? "user" : "session",
    life: Math.max(1, token.remainingTTL),
    expire: new Date(parts.clock() + token.remainingTTL * 1000).toISOString(),
    enabled: true,
    identity: token.accountId,
    email: user?.email ?? "",
    scopes: token.scope ? token.scope.split(" ") : [],
    profile: user?.profile ?? {},
    created_at: new Date(issuedAt * 1000).toISOString(),
    client_id: token.clientId,
  };
}

/** What Pangea answers here is not documented. */
function unknownToken(source: string): PangeaReply {
  return invalid("DoesNotExist", source, "The token is unknown, expired or revoked.");
}
