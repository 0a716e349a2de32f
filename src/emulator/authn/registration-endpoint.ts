import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { readBody } from "../http/request-body.ts";
import { pangeaIdentifier } from "../pangea-identifier.ts";
import { type ClientRegistry, isRegistrableRedirectUri, type RegisteredClient } from "./emulated-clients.ts";
import { sendJson } from "./replies.ts";

/** What the endpoints that register and show clients work with. */
export interface RegistrationParts {
  readonly clients: ClientRegistry;
  readonly clock: () => number;
  readonly isServiceTokenAccepted: (authorization: string | undefined) => boolean;
}

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
  const parsed = registrationRequest.safeParse(parseJson(await readBody(request)));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
    sendJson(response, 400, { error: "invalid_client_metadata", error_description: problems.join("; ") });
    return;
  }
  const metadata = parsed.data;
  if (!metadata.redirect_uris.every(isRegistrableRedirectUri)) {
    sendJson(response, 400, {
      error: "invalid_redirect_uri",
      error_description: "redirect_uris must be absolute http or https URIs without a fragment",
    });
    return;
  }
  const createdAt = parts.clock();
  const client: RegisteredClient = {
    clientId: pangeaIdentifier("psa"),
    clientSecret: pangeaIdentifier("pck"),
    clientName: metadata.client_name,
    redirectUris: metadata.redirect_uris,
    scopes: metadata.scope?.split(/\s+/).filter((scope) => scope !== ""),
    grantTypes: metadata.grant_types,
    tokenEndpointAuthMethod: metadata.token_endpoint_auth_method,
    anyLoopbackRedirectUri: false,
    createdAt,
    secretExpiresAt: createdAt + secretLifetimeSeconds * 1000,
  };
  parts.clients.add(client);
  sendJson(response, 201, {
    ...describeClient(client),
    client_secret: client.clientSecret,
    client_secret_expires_at: new Date(createdAt + secretLifetimeSeconds * 1000).toISOString(),
  });
}

/** `GET /v2/oauth/clients?client_id=`: what was registered, without the secret. */
export function answerClientLookup(parts: RegistrationParts, request: IncomingMessage, response: ServerResponse): void {
  if (refusesToken(parts, request, response)) return;
  const { searchParams } = new URL(request.url ?? "/", "http://emulator.invalid");
  const client = parts.clients.find(searchParams.get("client_id") ?? "");
  if (client === undefined) {
    sendJson(response, 404, { error: "invalid_request", error_description: "No client has this client_id" });
    return;
  }
  sendJson(response, 200, describeClient(client));
}

function refusesToken(parts: RegistrationParts, request: IncomingMessage, response: ServerResponse): boolean {
  if (parts.isServiceTokenAccepted(request.headers.authorization)) return false;
  sendJson(
    response,
    401,
    { error: "invalid_token", error_description: "A service token (pts_…) is needed as a bearer token" },
    { "www-authenticate": 'Bearer error="invalid_token"' },
  );
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

function parseJson(body: string | undefined): unknown {
  if (body === undefined) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
