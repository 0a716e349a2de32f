import { hash } from "node:crypto";
import type { AuthInfo } from "@modelcontextprotocol/server";

/** The least that a server can look tokens up in: a Map with one token, by its hash. */
export function mapVerifier() {
  const token = "a-token-of-the-map";
  const known: AuthInfo = { token, clientId: "app", scopes: ["user"], expiresAt: Date.now() / 1_000 + 86_400 };
  const byHash = new Map([[hash("sha256", token), known]]);
  const verifyAccessToken = async (shown: string): Promise<AuthInfo> => {
    const found = byHash.get(hash("sha256", shown));
    if (found === undefined) throw new Error("The token is not known.");
    return found;
  };
  return { token, verifier: { verifyAccessToken } };
}
