import { crossOrigin } from "../provider/http/responses.ts";

const headersForOthers = Object.entries(crossOrigin);

/**
 * Lets scripts of any origin read the answer of the MCP endpoint, where the application has not said itself who may: it
 * takes no cookies, so a script has what its token gives it and nothing of the person's.
 */
export function allowOtherOrigins(has: (name: string) => boolean, set: (name: string, value: string) => void): void {
  if (has("access-control-allow-origin")) return;
  for (const [name, value] of headersForOthers) if (!has(name)) set(name, value);
}
