import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { parseJson, readBody } from "../http/request-body.ts";
import { randomIdentifier } from "../identifiers.ts";
import { isRegistrableRedirectUri, type RegisteredClient } from "./emulated-clients.ts";
import type { AuthnParts } from "./parts.ts";
import { sendJson, sendOAuthError } from "./replies.ts";

type RegistrationParts = Pick<AuthnParts, "clients" | "clock" | "isServiceTokenAccepted">;

/** The most clients of one page, and as many as there are where the request does not say. */
const pageSize = 100;
const secretLifetimeSeconds = 365 * 24 * 60 * 60;

const registrationRequest = z
  .object({
    client_name: z.string().min(1).max(255),
    redirect_uris: z.array(z.string()).max(100).default([]),
    scope: z
      .string()
      .regex(/^$|^[a-zA-Z0-9:*/_=-]+(?:\s+[a-zA-Z0-9:*/_=-]+)*$/)
      .optional(),
    token_endpoint_auth_method: z.enum(["client_secret_basic", "client_secret_post"]).default("client_secret_basic"),
    grant_types: z
      .array(z.enum(["authorization_code", "client_credentials"]))
      .min(1)
      .default(["authorization_code"]),
    response_types: z.array(z.enum(["code"])).optional(),
  })
  .refine(({ grant_types, redirect_uris }) => !grant_types.includes("authorization_code") || redirect_uris.length > 0, {
    path: ["redirect_uris"],
    message: "The grant type authorization_code needs a redirect URI",
  });

/** `POST /v2/oauth/clients/register` (RFC 7591, with Pangea's ISO date in `client_secret_expires_at`). */
export async function answerRegistration(
  parts: RegistrationParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (refusesToken(parts, request, response)) return;
  const parsed = registrationRequest.safeParse(parseJson((await readBody(request)) ?? ""));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
    return sendOAuthError(response, 400, "invalid_client_metadata", problems.join("; "));
  }
  const metadata = parsed.data;
  if (!metadata.redirect_uris.every(isRegistrableRedirectUri)) {
    const description = "redirect_uris must be absolute http or https URIs without a fragment";
    return sendOAuthError(response, 400, "invalid_redirect_uri", description);
  }
  const createdAt = parts.clock();
  const secretExpiresAt = createdAt + secretLifetimeSeconds * 1000;
  const client: RegisteredClient = {
    clientId: randomIdentifier("psa"),
    clientSecret: randomIdentifier("pck"),
    clientName: metadata.client_name,
    redirectUris: metadata.redirect_uris,
    scopes: metadata.scope?.split(/\s+/).filter((scope) => scope !== ""),
    grantTypes: metadata.grant_types,
    tokenEndpointAuthMethod: metadata.token_endpoint_auth_method,
    anyLoopbackRedirectUri: false,
    createdAt,
    secretExpiresAt,
  };
  parts.clients.add(client);
  sendJson(response, 201, {
    ...describeClient(client),
    client_secret: client.clientSecret,
    client_secret_expires_at: new Date(secretExpiresAt).toISOString(),
  });
}

/**
 * `GET /v2/oauth/clients`: the clients that have the `client_id`, or all of them where none is named, without their
 * secrets. `size` is that of a page, and `last` of one page leads to the next.
 */
export function answerClientLookup(parts: RegistrationParts, request: IncomingMessage, response: ServerResponse): void {
  if (refusesToken(parts, request, response)) return;
  const { searchParams } = new URL(request.url ?? "/", "http://emulator.invalid");
  const wanted = searchParams.get("client_id");
  const found = parts.clients.all().filter(({ clientId }) => wanted === null || clientId === wanted);
  const size = Number(searchParams.get("size") ?? pageSize);
  if (!Number.isInteger(size) || size < 1 || size > pageSize) {
    sendOAuthError(response, 400, "invalid_request", `size must be a whole number from 1 to ${pageSize}`);
    return;
  }
  const start = found.findIndex(({ clientId }) => clientId === searchParams.get("last")) + 1;
  const page = found.slice(start, start + size);
  const last = page.at(-1)?.clientId ?? "";
  sendJson(response, 200, { clients: page.map(describeClient), last, count: found.length });
}

function refusesToken(parts: RegistrationParts, request: IncomingMessage, response: ServerResponse): boolean {
  if (parts.isServiceTokenAccepted(request.headers.authorization)) return false;
  sendOAuthError(response, 401, "invalid_token", "A service token (pts_…) is needed as a bearer token", {
    "www-authenticate": 'Bearer error="invalid_token"',
  });
  request.resume();
  return true;
}

function describeClient(client: RegisteredClient): object {
  return {
    client_id: client.clientId,
    created_at: new Date(client.createdAt).toISOString(),
    updated_at: new Date(client.createdAt).toISOString(),
    client_name: client.clientName,
    client_type: "service account",
    scope: client.scopes?.join(" ") ?? "",
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    redirect_uris: client.redirectUris,
    grant_types: client.grantTypes,
    response_types: client.grantTypes.includes("authorization_code") ? ["code"] : [],
  };
}
