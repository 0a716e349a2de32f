import type { Provider } from "oidc-provider";
import { z } from "zod";
import { invalid, type PangeaReply, success } from "../http/envelope.ts";
import { parseJson, validate } from "../vault/validation.ts";
import { audienceOf } from "./authorization-server.ts";
import type { OidcStorage } from "./oidc-storage.ts";
import { stableIdentifier } from "./stable-identifier.ts";
import type { UserDirectory } from "./user-directory.ts";

/** What AuthN's service API works with. */
export interface ServiceApiParts {
  readonly issuer: string;
  readonly provider: Provider;
  readonly storage: OidcStorage;
  readonly users: UserDirectory;
  readonly clock: () => number;
  readonly refreshTokenRotation: boolean;
}

type Endpoint = (parts: ServiceApiParts, body: unknown) => Promise<PangeaReply>;
type AccessToken = InstanceType<Provider["AccessToken"]>;
type RefreshToken = InstanceType<Provider["RefreshToken"]>;

const userToken = z.string().regex(/^(ptu_[a-z2-7]{32})|([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/);
const anyToken = z
  .string()
  .regex(/^(p(ti|tr|ts|tu|cl)_[a-z2-7]{32})|([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/);

const endpoints: ReadonlyMap<string, Endpoint> = new Map([
  ["/v2/client/token/check", checked(z.strictObject({ token: anyToken }), checkToken)],
  ["/v2/client/session/logout", checked(z.strictObject({ token: userToken }), logOut)],
  [
    "/v2/client/session/refresh",
    checked(
      z.strictObject({ refresh_token: z.string().regex(/^ptr_[a-z2-7]{32}$/), user_token: userToken.optional() }),
      refreshSession,
    ),
  ],
  ["/v2/session/logout", checked(z.strictObject({ user_id: z.string().regex(/^[a-zA-Z0-9 '.:/_-]+$/) }), logOutUser)],
]);

/** Answers a call of AuthN's service API. Undefined when there is no such endpoint. */
export async function answerServiceCall(
  parts: ServiceApiParts,
  path: string,
  body: string,
): Promise<PangeaReply | undefined> {
  const endpoint = endpoints.get(path);
  if (endpoint === undefined) return undefined;
  const parsed = parseJson(body);
  return parsed.ok ? await endpoint(parts, parsed.request) : parsed.refusal;
}

function checked<T>(
  schema: z.ZodType<T>,
  answer: (parts: ServiceApiParts, request: T) => Promise<PangeaReply>,
): Endpoint {
  return async (parts, body) => {
    const validated = validate(schema, body);
    return validated.ok ? await answer(parts, validated.request) : validated.refusal;
  };
}

async function checkToken(parts: ServiceApiParts, request: { token: string }): Promise<PangeaReply> {
  const token = await parts.provider.AccessToken.find(request.token);
  if (token === undefined) return unknownToken("/token");
  return success("Token is valid", describeToken(parts, token));
}

async function logOut(parts: ServiceApiParts, request: { token: string }): Promise<PangeaReply> {
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

async function logOutUser(parts: ServiceApiParts, request: { user_id: string }): Promise<PangeaReply> {
  const user = parts.users.byId(request.user_id);
  if (user === undefined) return invalid("DoesNotExist", "/user_id", "There is no such user.");
  parts.storage.deleteWhere((payload) => payload.accountId === user.id);
  return success("The user's sessions were logged out", {});
}

async function refreshSession(
  parts: ServiceApiParts,
  request: { refresh_token: string; user_token?: string | undefined },
): Promise<PangeaReply> {
  const { provider } = parts;
  const presented = await provider.RefreshToken.find(request.refresh_token);
  const client = presented === undefined ? undefined : await provider.Client.find(presented.clientId ?? "");
  const grantId = presented?.grantId;
  if (presented === undefined || client === undefined || grantId === undefined) return unknownToken("/refresh_token");
  if (presented.consumed !== undefined) {
    parts.storage.deleteWhere((payload) => payload.grantId === grantId);
    return unknownToken("/refresh_token");
  }
  const shared = {
    client,
    accountId: presented.accountId,
    grantId,
    gty: "authorization_code refresh_token",
    scope: presented.scope ?? "",
    ...(presented.sessionUid === undefined ? {} : { sessionUid: presented.sessionUid }),
    ...(presented.sid === undefined ? {} : { sid: presented.sid }),
  };
  let refreshTokenValue = request.refresh_token;
  if (parts.refreshTokenRotation) {
    await presented.consume();
    refreshTokenValue = await new provider.RefreshToken({
      ...shared,
      ...(presented.resource === undefined ? {} : { resource: presented.resource }),
      rotations: (presented.rotations ?? 0) + 1,
    }).save();
  }
  const [resource = parts.issuer] = [presented.resource ?? []].flat();
  const aud = audienceOf(resource, parts.issuer, client.clientId);
  const activeValue = await new provider.AccessToken({ ...shared, aud }).save();
  if (request.user_token !== undefined) {
    const previous = await provider.AccessToken.find(request.user_token);
    if (previous?.grantId === grantId) await previous.destroy();
  }
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

function describeToken(parts: ServiceApiParts, token: AccessToken | RefreshToken): object {
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
    scopes: token.scope === undefined || token.scope === "" ? [] : token.scope.split(" "),
    profile: user?.profile ?? {},
    created_at: new Date(issuedAt * 1000).toISOString(),
    ...(token.clientId === undefined ? {} : { client_id: token.clientId }),
  };
}

/** What Pangea answers here is not documented. */
function unknownToken(source: string): PangeaReply {
  return invalid("DoesNotExist", source, "The token is unknown, expired or revoked.");
}
