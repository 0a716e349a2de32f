import type { IncomingMessage, ServerResponse } from "node:http";
import type { OidcStorage } from "./oidc-storage.ts";
import { renderErrorPage } from "./pages.ts";
import { sendPage } from "./replies.ts";

/** The cookie with the id of the browser's session. */
export const sessionCookie = "pangea_emulator_session";

/**
 * The hosted logout page: ends the browser's session, and sends the browser back. The user's tokens live on, as those of
 * applications do. Its parameters are those that the vendor's own browser client sends, `redirect_uri` and `state`.
 */
export async function answerLogout(
  { storage, issuer }: { readonly storage: OidcStorage; readonly issuer: string },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { searchParams } = new URL(request.url ?? "/", issuer);
  const [returnTo = "", state] = [searchParams.get("redirect_uri") ?? "", searchParams.get("state")];
  if (!/^https?:\/\//.test(returnTo) || !URL.canParse(returnTo)) {
    return sendPage(response, 400, renderErrorPage("invalid_request", "There is no redirect_uri to go back to."));
  }
  const [, id] = new RegExp(`(?:^|; *)${sessionCookie}=([^;]+)`).exec(request.headers.cookie ?? "") ?? [];
  if (id !== undefined) await storage.adapter("Session").destroy(id);
  const location = new URL(returnTo);
  if (state !== null) location.searchParams.set("state", state);
  response.writeHead(302, { location: location.href, "cache-control": "no-store" });
  response.end();
}
