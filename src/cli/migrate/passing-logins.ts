import type { Grant } from "../../records/grant.ts";
import { wrapped } from "../../storage/capabilities.ts";
import type { Repository } from "../../storage/contract.ts";
import { isEnumerable } from "../../storage/enumerable.ts";

/** What a grant counts as that does not say where its user logged in. */
const notNoted = "not noted";

/** Counts the logins that are read from a source, by where people logged in: a server with another upstream refuses them. */
export class PassingLogins {
  readonly #counts = new Map<string, number>();

  /** The same grants. Each that is listed, and was not revoked, is counted. */
  counting(grants: Repository<string, Grant>): Repository<string, Grant> {
    if (!isEnumerable(grants)) return grants;
    const counts = this.#counts;
    const entries = async function* (): AsyncGenerator<[string, Grant], void, undefined> {
      for await (const entry of grants.entries()) {
        const [, { upstreamIssuer = notNoted, revokedAt }] = entry;
        if (revokedAt === undefined) counts.set(upstreamIssuer, (counts.get(upstreamIssuer) ?? 0) + 1);
        yield entry;
      }
    };
    return Object.assign(
      wrapped(grants, (_, call) => call()),
      { entries },
    );
  }

  /** How many there are, by the issuer of the upstream. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** What an operator has to know before another upstream takes over; nothing where there are no logins. */
  get sentence(): string {
    if (this.#counts.size === 0) return "";
    const placed = (issuer: string) => (issuer === notNoted ? "where that was not noted" : `at ${issuer}`);
    const parts = [...this.#counts].map(([issuer, count]) => `${count} ${placed(issuer)}`);
    return `Logins, by where people logged in: ${parts.join(", ")}.\nA server that does not have that upstream refuses them; clients stay.`;
  }
}
