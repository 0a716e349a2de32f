import { hostileTexts, mutateJsonText } from "./mutations.ts";
import type { Random } from "./random.ts";

/** The only code that Pangea gives out here. */
export const upstreamCode = "poc_the-code-of-pangea";
/** What Pangea's tokens begin with. No client may ever see one. */
export const upstreamToken = "ptu_the-token-of-a-user-at-pangea";

const statuses = [200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 502, 503] as const;

/** Pangea AuthN without a network, which answers well unless it is told not to. */
export class FuzzedUpstream {
  /** Decides how an answer is spoilt, as long as it is set. */
  spoiler: Random | undefined;
  /** Who logs in. */
  user = "pui_ada";

  readonly fetch = async (request: Request): Promise<Response> => {
    const form = new URLSearchParams(await request.text());
    const { status, text } = this.#answer(new URL(request.url).pathname, form);
    const random = this.spoiler;
    if (random === undefined) return new Response(text, { status, headers: { "content-type": "application/json" } });
    if (random.oneIn(8)) throw new TypeError("fetch failed");
    const spoilt = random.pick(statuses);
    const headers = new Headers();
    if (random.oneIn(4)) headers.set("retry-after", random.pick(["0", "5", "-1", "x", "1e9"]));
    const body = random.oneIn(6) ? random.pick(hostileTexts) : mutateJsonText(random, text);
    return new Response(spoilt === 204 ? null : body, { status: spoilt, headers });
  };

  #answer(path: string, form: URLSearchParams): { readonly status: number; readonly text: string } {
    const json = (status: number, body: unknown) => ({ status, text: JSON.stringify(body) });
    if (path.endsWith("/introspect"))
      return json(200, { active: true, sub: this.user, email: `${this.user}@example.com` });
    if (path.endsWith("/revoke")) return json(200, {});
    const good = form.get("grant_type") === "refresh_token" || form.get("code") === upstreamCode;
    if (!good) return json(400, { error: "invalid_grant" });
    const tokens = { access_token: upstreamToken, refresh_token: `${upstreamToken}-refresh`, token_type: "bearer" };
    return json(200, { ...tokens, expires_in: 3600, scope: "user" });
  }
}
