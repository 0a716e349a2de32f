import { z } from "zod";
import { OAuthClientInformationSchema } from "../../records/oauth-client-information.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { invalidRequest } from "../oauth-failure.ts";
import { type AuthorizationRequest, AuthorizationRequestSchema } from "./authorization-request.ts";
import { type UpstreamWishes, UpstreamWishesSchema } from "./login-wishes.ts";
import { openFromBrowser } from "./open-from-browser.ts";

/** How long a page may stay open before its decision is refused, in seconds. */
export const pageLifetimeSeconds = 1800;

const pendingSchema = z.object({
  request: AuthorizationRequestSchema,
  wishes: UpstreamWishesSchema,
  /** The client's registration, where it may end before the person has answered. */
  registration: OAuthClientInformationSchema.exactOptional(),
  /** The mark of the revocation for which the person is asked, where it is for that. */
  after: z.string().exactOptional(),
  expiresAt: z.number(),
});
type PendingRequest = z.output<typeof pendingSchema>;

/**
 * Requests that wait for a person's decision. A request waits in the page itself, sealed and bound to the secret of the
 * browser that was asked, so no other site can answer for the person and no instance has to remember the request.
 */
export class ConsentRequests {
  readonly #now: () => number;
  readonly #pending: SealedJson<PendingRequest>;

  constructor({ keys, now }: Pick<ProviderConfiguration, "keys" | "now">) {
    this.#now = now;
    this.#pending = new SealedJson(keys.derive("consent request"), pendingSchema);
  }

  /**
   * Seals a request into the page that asks about it, with what the upstream is to know once the person has said yes.
   *
   * @param known - The client's registration, where it may end before the person has answered, and the revocation for which the
   * person is asked.
   */
  seal(
    request: AuthorizationRequest,
    browserSecret: string,
    wishes: UpstreamWishes = {},
    known: Pick<PendingRequest, "after" | "registration"> = {},
  ): string {
    const expiresAt = this.#now() + pageLifetimeSeconds;
    return this.#pending.seal({ request, wishes, expiresAt, ...known }, browserSecret);
  }

  /**
   * Opens the request that a page was about, and what the upstream is to know.
   *
   * @throws {OAuthError} with `invalid_request` when this browser was not asked, or the page is too old.
   */
  open(sealed: string, browserSecrets: readonly string[]): Omit<PendingRequest, "expiresAt"> {
    const stale = "This page is too old or belongs to another browser.";
    const { expiresAt, ...pending } = openFromBrowser(() => this.#pending.openWithAny(sealed, browserSecrets), stale);
    if (expiresAt <= this.#now()) throw invalidRequest(stale);
    return pending;
  }
}
