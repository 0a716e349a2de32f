import { UnreadableRecordsError } from "../../errors.ts";
import { isEnumerable } from "../../storage/enumerable.ts";
import type { Finding } from "../../storage/finding.ts";
import { isLive, isOfServer } from "../grants/grants.ts";
import type { Examined } from "./diagnose.ts";

/** How many grants are looked at: a check has to come to its end. */
const maxGrants = 10_000;

/**
 * Counts the logins of upstreams that are not configured, before people are refused: with a configuration that is yet to
 * come, this says what moving to it ends. Says nothing where the store cannot list its records.
 */
export async function checkRemovedUpstreams({ now, repositories, resource, upstreams }: Examined): Promise<Finding[]> {
  if (!isEnumerable(repositories.grants)) return [];
  const counts = new Map<string | undefined, number>();
  let seen = 0;
  try {
    for await (const [, grant] of repositories.grants.entries()) {
      seen += 1;
      if (seen > maxGrants) break;
      const upstreamIssuer = upstreams.issuerOfRecord(grant.upstreamIssuer);
      if (upstreams.ofRecord(upstreamIssuer) !== undefined) continue;
      if (isLive(grant, now()) && isOfServer(grant, resource)) {
        counts.set(upstreamIssuer, (counts.get(upstreamIssuer) ?? 0) + 1);
      }
    }
  } catch (failure) {
    // What cannot be read is another check's affair: the rest was counted.
    if (!(failure instanceof UnreadableRecordsError)) throw failure;
  }
  return [...counts].map(([issuer, count]) => removed(issuer, count, seen > maxGrants));
}

function removed(issuer: string | undefined, count: number, isPart: boolean): Finding {
  const number = `${isPart ? "At least " : ""}${count} ${count === 1 ? "login" : "logins"}`;
  if (issuer === undefined) {
    return {
      check: "unknown-upstream",
      status: "warning",
      what: `${number} in the store ${count === 1 ? "names" : "name"} no issuer, and there are several upstreams.`,
      why: "They are of before issuers were noted. No token is sent to an upstream by a guess, so whoever has one is refused and logs in again.",
      remedy: "Say by the option formerIssuer which upstream this server had then.",
    };
  }
  return {
    check: "unknown-upstream",
    status: "warning",
    what: `${number} in the store ${count === 1 ? "is" : "are"} of ${issuer}, which is no upstream of this configuration.`,
    why: "Whoever has one is refused and logs in again, as a user of another upstream. Registered clients stay.",
    remedy: `List ${issuer} in upstreams beside the new one until its logins are over, or end them by revokeGrants({ upstreamIssuer: "${issuer}" }).`,
  };
}
