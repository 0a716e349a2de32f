import { invalidRequest } from "../oauth-failure.ts";

/**
 * A decision counts when it was made on this server's own page. `Sec-Fetch-Site` says so in every browser of today, and
 * no page can send it in the browser's place. Where it is missing the origin has to be this server's: `null`, and none
 * at all, could be any page's in an old browser. A proxy that takes `Origin` away does no harm to browsers of today.
 *
 * @throws {OAuthError} with `invalid_request` when it was made elsewhere.
 */
export function requireOwnPage({ headers }: Request, baseUrl: string): void {
  const [site, origin] = [headers.get("sec-fetch-site"), headers.get("origin")];
  const isOurs = origin === new URL(baseUrl).origin;
  if (site === null ? isOurs : site === "same-origin" && (isOurs || origin === null || origin === "null")) return;
  throw invalidRequest("This decision was not made on this server's page.");
}
