import { AsyncLocalStorage } from "node:async_hooks";
import { parseJson } from "../oauth/parse-json.ts";
import type { UpstreamTokens } from "./contract.ts";

/**
 * The tokens in the body of a token endpoint's answer, whatever else is wrong with it; undefined where there are none. What
 * becomes of such an answer is for others to say: these are for revoking what nobody will ever hold.
 */
export function tokensIn(body: unknown): UpstreamTokens | undefined {
  const { access_token: token, refresh_token: refreshToken }: Record<string, unknown> = Object(body);
  if (typeof token !== "string" || token === "") return undefined;
  return { token, ...(typeof refreshToken === "string" && refreshToken !== "" && { refreshToken }) };
}

/** Who wants to know of the tokens that a request leads to, before openid-client has checked the answer. */
const watchers = new AsyncLocalStorage<(tokens: UpstreamTokens) => void>();

/**
 * Calls with somebody told of the tokens that come: where openid-client refuses an answer, it keeps what was in it for itself.
 *
 * @param noteTokens - Undefined where nobody wants to know.
 */
export function whileWatched<T>(
  noteTokens: ((tokens: UpstreamTokens) => void) | undefined,
  call: () => Promise<T>,
): Promise<T> {
  return noteTokens === undefined ? call() : watchers.run(noteTokens, call);
}

/** Looks whether an answer has tokens, where somebody wants to know. The answer can be read afterwards. */
export async function watched(response: Response): Promise<Response> {
  const noteTokens = watchers.getStore();
  if (noteTokens === undefined || !response.ok) return response;
  const tokens = tokensIn(parseJson(await response.clone().text()));
  if (tokens !== undefined) noteTokens(tokens);
  return response;
}
