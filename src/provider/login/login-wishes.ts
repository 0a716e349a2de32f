import { optional, record, text } from "../../records/record.ts";
import { invalidRequest } from "../oauth-failure.ts";
import type { UpstreamHints } from "../upstream/upstreams.ts";

/** Longer hints than an e-mail address can be are left out: they are carried along in a URL. */
const maxHintLength = 320;

/** What an authorization request may say of how the person is to be met (OpenID Connect Core section 3.1.2.1). */
export interface WishParameters {
  get(name: "prompt" | "login_hint" | "idp_hint"): string | undefined;
}

/** What the upstream is to know of how the person wants to log in. */
export interface UpstreamWishes {
  /** `login`, `select_account` or both, with a space between them; or `none`. */
  readonly prompt?: string;
  readonly loginHint?: string;
}

/** Reads and writes what the upstream is to know, while it waits for a person's decision. */
export const UpstreamWishesSchema = record<UpstreamWishes>({ prompt: optional(text), loginHint: optional(text) });

/** How a request wants the person to be met. */
export interface LoginWishes {
  /** `prompt=consent`: the person is asked, whatever the browser remembers. */
  readonly asksConsent: boolean;
  /** `prompt=none`: no page is shown to the person. */
  readonly isSilent: boolean;
  /** `prompt=select_account`: the person chooses, whatever the browser remembers. */
  readonly asksForAccount: boolean;
  /** What the request says of where the person logs in. */
  readonly hints: UpstreamHints;
  readonly upstream: UpstreamWishes;
}

const upstreamPrompts = ["login", "select_account"];

/**
 * Reads the wishes of a request. Values of `prompt` that nobody here knows are left out, and so is a hint that is none.
 *
 * `consent` stays here: the upstream knows all clients as this server, so its consent is about another matter, and some
 * upstreams answer such a request with a demand for an administrator.
 *
 * @throws {OAuthError} with `invalid_request` when `none` stands beside another value.
 */
export function readLoginWishes(parameters: WishParameters): LoginWishes {
  const prompts = new Set((parameters.get("prompt") ?? "").split(" ").filter((value) => value !== ""));
  const isSilent = prompts.has("none");
  if (isSilent && prompts.size > 1) throw invalidRequest("prompt=none goes with no other value of prompt.");
  const prompt = isSilent ? "none" : upstreamPrompts.filter((value) => prompts.has(value)).join(" ");
  const hint = parameters.get("login_hint")?.trim() ?? "";
  const isHint = hint !== "" && hint.length <= maxHintLength && !/\p{C}/u.test(hint);
  const idpHint = parameters.get("idp_hint");
  return {
    asksConsent: prompts.has("consent"),
    isSilent,
    asksForAccount: prompts.has("select_account"),
    hints: { ...(idpHint !== undefined && { idpHint }), ...(isHint && { loginHint: hint }) },
    upstream: { ...(prompt !== "" && { prompt }), ...(isHint && { loginHint: hint }) },
  };
}
