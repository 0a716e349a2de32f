import { createHash } from "node:crypto";
import { z } from "zod";
import { OAuthError, UnsealableError } from "../../errors.ts";
import { ClientAuthenticationSchema } from "../../records/authorization-code.ts";
import { openSealed, seal } from "../../secrets/sealing.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { isLoopbackRedirectUri } from "../oauth/redirect-uri.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";

/** A browser remembers its latest decisions; beyond this many it is asked again. */
const maxRemembered = 40;
/** How long a page may stay open before its decision is refused, in seconds. */
const pageLifetimeSeconds = 1800;

const pendingSchema = z.object({
  clientId: z.string(),
  client: ClientAuthenticationSchema,
  redirectUri: z.string(),
  redirectUriProvidedExplicitly: z.boolean(),
  state: z.string().exactOptional(),
  scopes: z.array(z.string()),
  codeChallenge: z.string(),
  resource: z.string(),
  expiresAt: z.number(),
});

const rememberedSchema = z.array(z.object({ decision: z.string(), until: z.number() }));

/** What a decision is about. */
export type AllowedRequest = Pick<AuthorizationRequest, "clientId" | "redirectUri" | "scopes" | "resource">;

/**
 * Consent: a person allows a client before the browser is sent on to the upstream, which knows all clients as one and
 * would let a logged-in user through without a word (the confused deputy of the MCP specification).
 *
 * The request waits in the page itself, sealed and bound to a cookie of the browser that was asked, so no other site
 * can answer for it and no instance has to remember it. What was allowed is remembered in a sealed cookie, for that
 * client, redirect URI, scopes and resource only, and not before the login that it led to has ended well: who goes back,
 * or gives up upstream, is asked again.
 */
export class Consent {
  readonly #configuration: Pick<ProviderConfiguration, "clock" | "consent" | "keys">;

  constructor(configuration: Pick<ProviderConfiguration, "clock" | "consent" | "keys">) {
    this.#configuration = configuration;
  }

  /** Seals a request into the page that asks about it. */
  sealRequest(request: AuthorizationRequest, browserSecret: string): string {
    const { state, scopes, ...others } = request;
    const pending: z.infer<typeof pendingSchema> = {
      ...others,
      scopes: [...scopes],
      ...(state !== undefined && { state }),
      expiresAt: this.#now() + pageLifetimeSeconds,
    };
    return seal(this.#configuration.keys.derive("consent request"), JSON.stringify(pending), browserSecret);
  }

  /**
   * Opens the request that a page was about.
   *
   * @throws `OAuthError` with `invalid_request` where this browser was not asked, or the page is too old.
   */
  openRequest(sealed: string, browserSecrets: readonly string[]): AuthorizationRequest {
    const stale = "This page is too old or belongs to another browser. Start again from your application.";
    try {
      const text = this.#openWithAny(sealed, browserSecrets);
      const { expiresAt, state, ...pending } = pendingSchema.parse(JSON.parse(text));
      if (expiresAt <= this.#now()) throw new OAuthError("invalid_request", stale);
      return { ...pending, state };
    } catch (cause) {
      if (cause instanceof UnsealableError || cause instanceof z.core.$ZodError) {
        throw new OAuthError("invalid_request", stale, { cause });
      }
      throw cause;
    }
  }

  #openWithAny(sealed: string, [secret = "", ...others]: readonly string[]): string {
    try {
      return openSealed(this.#configuration.keys.derive("consent request"), sealed, secret);
    } catch (failure) {
      if (failure instanceof UnsealableError && others.length > 0) return this.#openWithAny(sealed, others);
      throw failure;
    }
  }

  /** Whether the person has allowed exactly this before, in this browser. */
  isRemembered(request: AllowedRequest, remembered: string | undefined): boolean {
    return this.#decisions(remembered).some(({ decision }) => decision === decisionOf(request));
  }

  /** The cookie's content after this was allowed; undefined where it says so already. */
  remember(request: AllowedRequest, remembered: string | undefined): string | undefined {
    const decision = decisionOf(request);
    const others = this.#decisions(remembered);
    if (others.some((known) => known.decision === decision)) return undefined;
    const until = Math.floor(this.#now() + this.#configuration.consent.remember);
    const decisions = [...others, { decision, until }].slice(-maxRemembered);
    return seal(this.#configuration.keys.derive("remembered consent"), JSON.stringify(decisions), "");
  }

  #decisions(remembered: string | undefined): z.infer<typeof rememberedSchema> {
    if (remembered === undefined) return [];
    try {
      const text = openSealed(this.#configuration.keys.derive("remembered consent"), remembered, "");
      return rememberedSchema.parse(JSON.parse(text)).filter(({ until }) => until > this.#now());
    } catch (failure) {
      // A cookie of an older secret, or of somebody's making: the person is asked again.
      if (failure instanceof UnsealableError || failure instanceof z.core.$ZodError) return [];
      throw failure;
    }
  }

  #now(): number {
    return this.#configuration.clock() / 1000;
  }
}

/** Names what was allowed. Loopback ports change between runs of a native client, so they do not count. */
function decisionOf(request: AllowedRequest): string {
  const { clientId, redirectUri, scopes, resource } = request;
  const uri = isLoopbackRedirectUri(redirectUri)
    ? redirectUri.replace(/^(http:\/\/[^/?]*?):\d+(?=[/?]|$)/, "$1")
    : redirectUri;
  const parts = [clientId, uri, [...scopes].sort().join(" "), resource];
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 22);
}
