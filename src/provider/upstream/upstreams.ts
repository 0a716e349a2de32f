import { callbackPath, withoutLastSlashes } from "../oauth/paths.ts";
import type { Upstream } from "./contract.ts";
import { asciiDomain } from "./email-domain.ts";

/** What a request says of where the person logs in. */
export interface UpstreamHints {
  /** The id of an upstream. */
  readonly idpHint?: string;
  /** Who is about to log in, such as an e-mail address. */
  readonly loginHint?: string;
}

/** How the upstreams of a server are made known to it. */
interface UpstreamsOptions {
  /** The base URL of the server, without a slash at its end. */
  readonly baseUrl: string;
  /** The id of the upstream where the people of a domain log in, by the domain in lower-case ASCII. */
  readonly emailDomains?: ReadonlyMap<string, string>;
  /** The issuer of the upstream that records are of which name none. Default: that of the only upstream; else unknown. */
  readonly formerIssuer?: string;
}

/**
 * The upstreams at which people may log in: one, or several that they choose from.
 *
 * A user is an upstream's issuer and a subject of there together: two upstreams may give one subject to two people. So
 * whatever is kept of a user names the issuer, and only the upstream of that issuer is ever asked about it.
 */
export class Upstreams {
  /** In the order in which people see them. */
  readonly all: readonly [Upstream, ...Upstream[]];
  readonly #baseUrl: string;
  readonly #emailDomains: ReadonlyMap<string, string>;
  readonly #byIssuer: ReadonlyMap<string, Upstream>;
  /**
   * The issuer that a record is of which names none. Such a record was written when there was one upstream, and which one
   * that was nobody can tell from it: where there are several now, an operator has to say so. No token is ever sent to an
   * upstream by a guess.
   */
  readonly former: string | undefined;

  constructor(
    all: readonly [Upstream, ...Upstream[]],
    { baseUrl, emailDomains = new Map(), formerIssuer }: UpstreamsOptions,
  ) {
    this.all = all;
    this.#baseUrl = baseUrl;
    this.#emailDomains = emailDomains;
    this.#byIssuer = new Map(
      all.flatMap((upstream) =>
        [upstream.issuer, withoutLastSlashes(upstream.issuer)].map((issuer) => [issuer, upstream]),
      ),
    );
    this.former = formerIssuer ?? this.only?.issuer;
  }

  /** The upstream, where there is one only. */
  get only(): Upstream | undefined {
    return this.all.length === 1 ? this.all[0] : undefined;
  }

  /** The longest time that one call to any of them may take, in milliseconds. */
  get timeout(): number {
    return Math.max(...this.all.map(({ timeout }) => timeout));
  }

  byId(id: string | undefined): Upstream | undefined {
    return this.all.find((upstream) => upstream.id === id);
  }

  /**
   * The upstream that a record is of; undefined where it is not configured any more, or nobody knows which one it is.
   *
   * @param issuer - As the record has it. A record without one is of the `former` upstream.
   */
  ofRecord(issuer: string | undefined = this.former): Upstream | undefined {
    if (issuer === undefined) return undefined;
    return this.#byIssuer.get(issuer) ?? this.#byIssuer.get(withoutLastSlashes(issuer));
  }

  /** The issuer that a record is of, also where its upstream is not configured any more; undefined where nobody knows. */
  issuerOfRecord(issuer: string | undefined = this.former): string | undefined {
    return this.ofRecord(issuer)?.issuer ?? issuer;
  }

  /** The upstream that a request asks for, by its id or by the domain of an e-mail address; undefined for none of them. */
  hinted({ idpHint, loginHint }: UpstreamHints): Upstream | undefined {
    return this.byId(idpHint) ?? this.byId(this.#emailDomains.get(domainOf(loginHint) ?? ""));
  }

  /** Where an upstream sends the browser back to: each has a place of its own, so that no answer passes for another's. */
  callbackUrl({ id }: Pick<Upstream, "id">): string {
    return this.#baseUrl + callbackPath(id);
  }
}

/** The domain of an e-mail address; undefined for what is none, such as a domain alone. */
function domainOf(address: string | undefined): string | undefined {
  const at = address?.lastIndexOf("@") ?? -1;
  return address === undefined || at < 1 ? undefined : asciiDomain(address.slice(at + 1));
}

/** Whether two texts name one issuer: a slash at the end does not count. */
export function isSameIssuer(one: string, other: string): boolean {
  return withoutLastSlashes(one) === withoutLastSlashes(other);
}
