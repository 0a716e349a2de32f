import { hash } from "node:crypto";
import { z } from "zod";
import { SealedJson } from "../../secrets/sealed-json.ts";
import { openOr } from "../../secrets/sealing.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { isLoopbackRedirectUri } from "../oauth/redirect-uri.ts";
import type { ScopeHierarchy } from "../oauth/scope-hierarchy.ts";
import { offlineAccess } from "../oauth/scopes.ts";
import type { Upstream } from "../upstream/contract.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import type { Decision, RememberedDecision } from "./decision.ts";

/** A browser remembers its latest decisions; beyond this many the person is asked again. */
const maxRemembered = 20;
/** A login carries the decisions of this many people along, the latest. */
const maxPeople = 3;

/** The characters of each half of the hash of what was allowed: 96 bits, and all of them have to fit into a cookie. */
const halfLength = 16;

/**
 * Decisions as they are remembered: a hash of what was allowed, whose first half names the client and where it gets its
 * answers, a hash of who allowed it, when, and which instance's clock says so, where that is known.
 */
const rememberedSchema = z.array(z.tuple([z.string(), z.string(), z.number()], z.string()));
type Remembered = z.output<typeof rememberedSchema>;

/** What a decision is about. */
export type AllowedRequest = Pick<
  AuthorizationRequest,
  "clientId" | "redirectUri" | "scopes" | "offlineAccess" | "resource"
>;

/** What a browser sends of the decisions that it remembers. */
export interface BrowserMemory {
  /** The content of the cookie. */
  readonly decisions: string | undefined;
  /** The secrets of this browser, which it keeps in cookies of their own. */
  readonly secrets: readonly string[];
}

/**
 * Consent: a person allows a client before the browser is sent on to the upstream, which knows all clients as one and
 * would let a logged-in user through without a word (the confused deputy of the MCP specification).
 *
 * What was allowed is remembered in a sealed cookie: for that person, client, redirect URI, scopes and resource only, and
 * not before the login that it led to has ended well. The cookie is bound to the browser's secret, so that a copy of the
 * cookie alone opens nothing elsewhere.
 */
export class Consent {
  readonly #scopes: ScopeHierarchy;
  readonly #rememberSeconds: number;
  readonly #now: () => number;
  readonly #remembered: SealedJson<Remembered>;

  constructor({
    consent,
    keys,
    now,
    scopeHierarchy,
  }: Pick<ProviderConfiguration, "consent" | "keys" | "now" | "scopeHierarchy">) {
    this.#scopes = scopeHierarchy;
    this.#rememberSeconds = consent.remember;
    this.#now = now;
    this.#remembered = new SealedJson(keys.derive("remembered consent"), rememberedSchema);
  }

  /**
   * The decisions of an upstream's users who have allowed exactly this before, in this browser, or the same with a scope
   * that implies one of these. Nobody has logged in yet to say who.
   */
  recall(request: AllowedRequest, { issuer }: Pick<Upstream, "issuer">, memory: BrowserMemory): Decision[] {
    const { scopes } = request;
    const sufficient = [scopes, ...this.#scopes.broadened(scopes)].map((some) => this.#hashOf(request, issuer, some));
    return this.#open(memory)
      .filter(([known]) => sufficient.includes(known))
      .slice(-maxPeople)
      .map(([, subject, decidedAt, decidedBy]) => ({
        subject,
        decidedAt,
        ...(decidedBy !== undefined && { decidedBy }),
      }));
  }

  /** Whether somebody in this browser has allowed this client, at this redirect URI, anything at all. */
  knows({ clientId, redirectUri }: Pick<AllowedRequest, "clientId" | "redirectUri">, memory: BrowserMemory): boolean {
    const destination = hashOfDestination(clientId, redirectUri);
    return this.#open(memory).some(([known]) => known.startsWith(destination));
  }

  /**
   * The cookie's content once this decision is remembered as well, of a user of this upstream.
   *
   * @param room - How many characters the content may have: the oldest decisions make room.
   */
  remember(
    request: AllowedRequest,
    { issuer }: Pick<Upstream, "issuer">,
    decision: RememberedDecision,
    memory: BrowserMemory,
    room: number,
  ): string {
    const allowed = this.#hashOf(request, issuer, request.scopes);
    const { subject, decidedAt, decidedBy } = decision;
    const clock = decidedBy === undefined ? [] : [decidedBy];
    const others = this.#open(memory).filter(([what, who]) => what !== allowed || who !== subject);
    return this.#seal([...others, [allowed, subject, decidedAt, ...clock]], memory, room);
  }

  /** The cookie's content with as many of its decisions as there is room for, the latest. */
  shorten(memory: BrowserMemory, room: number): string {
    const { decisions = "" } = memory;
    return decisions.length <= room ? decisions : this.#seal(this.#open(memory), memory, room);
  }

  /** Names what is allowed. */
  #hashOf(request: AllowedRequest, upstreamIssuer: string, allowed: readonly string[]): string {
    const opened = this.#scopes.withImplied(allowed);
    const scopes = request.offlineAccess ? [...opened, offlineAccess] : opened;
    // A person is known by a subject of this upstream: another one may give the same subject to somebody else.
    const what = [[...scopes].sort().join(" "), request.resource, upstreamIssuer];
    return hashOfDestination(request.clientId, request.redirectUri) + hashOf(what);
  }

  #seal(decisions: Remembered, memory: BrowserMemory, room: number): string {
    const [secret] = memory.secrets;
    const latest = decisions.slice(-maxRemembered);
    if (secret === undefined || latest.length === 0) return "";
    const sealed = this.#remembered.seal(latest, secret);
    return sealed.length <= room ? sealed : this.#seal(latest.slice(1), memory, room);
  }

  #open({ decisions, secrets }: BrowserMemory): Remembered {
    if (decisions === undefined) return [];
    // A cookie of another browser, of an older secret, or of somebody's making: the person is asked again.
    const opened = openOr(
      () => this.#remembered.openWithAny(decisions, secrets),
      () => [],
    );
    return opened.filter(([, , decidedAt]) => this.#now() < decidedAt + this.#rememberSeconds);
  }
}

/** Names a client and where it gets its answers. Loopback ports change between runs of a native client, and do not count. */
function hashOfDestination(clientId: string, redirectUri: string): string {
  const uri = isLoopbackRedirectUri(redirectUri)
    ? redirectUri.replace(/^(http:\/\/[^/?]*?):\d+(?=[/?]|$)/, "$1")
    : redirectUri;
  return hashOf([clientId, uri]);
}

function hashOf(parts: readonly string[]): string {
  return hash("sha256", JSON.stringify(parts), "base64url").slice(0, halfLength);
}
