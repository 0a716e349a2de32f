/**
 * Verifying an access token that the cache has, against the least that any verification by a hash does: SHA-256 of the
 * token, one look into a Map, and an object with the same members.
 *
 *     npx node bench/verify.ts
 */
import { hash } from "node:crypto";
import type { AuthInfo } from "../src/index.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";
import { cachedProvider, warmTokens } from "./warm-token.ts";

const tokenCount = 1_000;
/** A run is shorter than the time that a busy machine gives to one process, so that most runs go by without an interruption. */
const worksPerRun = 100;
const { provider, repositories } = cachedProvider();
const known = await warmTokens(provider, repositories, tokenCount);
const tokens = known.map(({ token }) => token);
const byHash = new Map(known.map((authInfo) => [hash("sha256", authInfo.token, "base64"), authInfo]));

const floor = async (token: string): Promise<AuthInfo> => {
  const found = byHash.get(hash("sha256", token, "base64"));
  if (found === undefined) throw new Error("The floor does not have the token.");
  const { clientId, scopes, expiresAt, resource, extra } = found;
  return { token, clientId, scopes: [...scopes], expiresAt, resource, extra: { ...extra } };
};
const header = (token: string) => (name: string) => (name === "authorization" ? `Bearer ${token}` : null);
const requests = tokens.map((token) => ({ headers: { get: header(token) }, method: "POST", url: "/mcp" }));
let last: unknown;
const taking = <T>(values: readonly T[], work: (value: T) => Promise<unknown>) => {
  let index = 0;
  return async () => {
    for (let count = 0; count < worksPerRun; count++) {
      const value = values[index++ % values.length];
      if (value !== undefined) last = await work(value);
    }
  };
};

console.log(machine());
const comparison = await measureInTurns(
  {
    floor: taking(tokens, floor),
    verifyAccessToken: taking(tokens, (token) => provider.verifyAccessToken(token)),
    authenticate: taking(requests, (request) => provider.authenticate(request)),
  },
  { rounds: 4_000, runsPerRound: 1, worksPerRun },
);
if (last === undefined || last instanceof Response) throw new Error("The last token was refused.");
comparison.print(`One of ${tokenCount} warm access tokens`, "floor");
console.log();
printGoal("time of verifyAccessToken to the floor", comparison.ratio("verifyAccessToken", "floor"), "at most", 1.5);
process.exit();
