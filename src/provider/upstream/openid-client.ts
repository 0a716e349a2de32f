import type * as OpenidClient from "openid-client";
import { optionalPackage } from "../../optional-package.ts";
import { watched } from "./answered-tokens.ts";
import type { UpstreamTokens } from "./contract.ts";

/** openid-client, once it is loaded. It is an optional peer: who logs people in elsewhere does not install it. */
export type Client = typeof OpenidClient;

/**
 * Loads openid-client when it is first needed.
 *
 * @throws {ConfigurationError} when it is not installed.
 */
export async function loadClient(): Promise<Client> {
  return optionalPackage("openid-client", "An upstream of openIdConnect() or oAuth2()", () => import("openid-client"));
}

/** A `fetch` that takes a request, as the options of this package have it, in the form that openid-client calls. */
export function fetchFor(send: (request: Request) => Promise<Response>): OpenidClient.CustomFetch {
  return async (url, options) => {
    const { body, method, headers, redirect, signal } = options;
    return watched(
      await send(
        new Request(url, { method, headers, redirect, ...(body != null && { body }), ...(signal && { signal }) }),
      ),
    );
  };
}

/** The reply of a token endpoint (RFC 6749 section 5.1), which openid-client has checked. */
interface TokenReply {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  readonly scope?: string;
  readonly expires_in?: number;
}

/**
 * The tokens of a reply, as an upstream gives them on.
 *
 * @param now - In milliseconds since the epoch.
 */
export function tokensOf(reply: TokenReply, now: number): UpstreamTokens {
  const { access_token: token, refresh_token: refreshToken, id_token: idToken, scope, expires_in: lifetime } = reply;
  return {
    token,
    ...(refreshToken !== undefined && { refreshToken }),
    ...(idToken !== undefined && { idToken }),
    ...(lifetime !== undefined && { expiresAt: Math.floor(now / 1_000) + lifetime }),
    ...(scope !== undefined && { scopes: scope.split(" ").filter((value) => value !== "") }),
  };
}
