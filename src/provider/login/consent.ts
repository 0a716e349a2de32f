import { createHash } from "node:crypto";
import { z } from "zod";
import { UnsealableError } from "../../errors.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { isLoopbackRedirectUri } from "../oauth/redirect-uri.ts";
import { invalidRequest } from "../oauth-failure.ts";
import { type AuthorizationRequest, AuthorizationRequestSchema } from "./authorization-request.ts";

/** A browser remembers its latest decisions; beyond this many it is asked again. */
const maxRemembered = 40;
/** How long a page may stay open before its decision is refused, in seconds. */
const pageLifetimeSeconds = 1800;

/** A request that waits for a decision. */
const pendingSchema = z.object({ request: AuthorizationRequestSchema, expiresAt: z.number() });

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
  readonly #rememberSeconds: number;
  readonly #now: () => number;
  readonly #pending: SealedJson<z.output<typeof pendingSchema>>;
  readonly #remembered: SealedJson<z.output<typeof rememberedSchema>>;

  constructor({ consent, keys, now }: Pick<ProviderConfiguration, "consent" | "keys" | "now">) {
    this.#rememberSeconds = consent.remember;
    this.#now = now;
    this.#pending = new SealedJson(keys.derive("consent request"), pendingSchema);
    this.#remembered = new SealedJson(keys.derive("remembered consent"), rememberedSchema);
  }

  /** Seals a request into the page that asks about it. */
  sealRequest(request: AuthorizationRequest, browserSecret: string): string {
    return this.#pending.seal({ request, expiresAt: this.#now() + pageLifetimeSeconds }, browserSecret);
  }

  /**
   * Opens the request that a page was about.
   *
   * @throws {OAuthError} with `invalid_request` when this browser was not asked, or the page is too old.
   */
  openRequest(sealed: string, browserSecrets: readonly string[]): AuthorizationRequest {
    const stale = "This page is too old or belongs to another browser. Start again from your application.";
    try {
      const { request, expiresAt } = this.#openWithAny(sealed, browserSecrets);
      if (expiresAt <= this.#now()) throw invalidRequest(stale);
      return request;
    } catch (cause) {
      if (cause instanceof UnsealableError) throw invalidRequest(stale, { cause });
      throw cause;
    }
  }

  #openWithAny(sealed: string, [secret = "", ...others]: readonly string[]): z.output<typeof pendingSchema> {
    try {
      return this.#pending.open(sealed, secret);
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
    const until = Math.floor(this.#now() + this.#rememberSeconds);
    const decisions = [...others, { decision, until }].slice(-maxRemembered);
    return this.#remembered.seal(decisions, "");
  }

  #decisions(remembered: string | undefined): z.infer<typeof rememberedSchema> {
    if (remembered === undefined) return [];
    try {
      return this.#remembered.open(remembered, "").filter(({ until }) => until > this.#now());
    } catch (failure) {
      // A cookie of an older secret, or of somebody's making: the person is asked again.
      if (failure instanceof UnsealableError) return [];
      throw failure;
    }
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
