import { ConfigurationError, UpstreamUnavailableError } from "../../errors.ts";
import {
  namesLike,
  requireExactText,
  requireHttpUrl,
  requireKind,
  requireText,
  requireThat,
  requireTimerLength,
} from "../../option-checks.ts";
import { KeyRing, minSecretLength, requireKeySecrets } from "../../secrets/key-ring.ts";
import { beforeDeadline } from "../../storage/deadline.ts";
import { withoutLastSlashes } from "../oauth/paths.ts";
import { requireScopes } from "../oauth/scopes.ts";
import { requireIdentity, requireLocation, requireTokens } from "../upstream/answer-checks.ts";
import type { Upstream } from "../upstream/contract.ts";
import { requireDomain } from "../upstream/email-domain.ts";
import type { McpOAuthProviderOptions } from "./options.ts";

/**
 * Checks what the upstreams say of themselves.
 *
 * @throws {ConfigurationError} when there is none, a member of one is wrong, or two cannot be told apart.
 */
export function configureUpstreams({
  upstream,
  upstreams,
}: Pick<McpOAuthProviderOptions, "upstream" | "upstreams">): readonly [Upstream, ...Upstream[]] {
  if (upstreams === undefined) return [configureUpstream("upstream", upstream)];
  requireThat(upstream === undefined, "Give upstream or upstreams, and not both.");
  requireThat(Array.isArray(upstreams), "upstreams must be a list of upstreams, such as [pangeaAuthn({ … })].");
  const [first, ...others] = upstreams.map((each, index) => configureUpstream(`upstreams[${index}]`, each));
  if (first === undefined) throw new ConfigurationError("upstreams is empty: nobody could log in.");
  const all = [first, ...others] as const;
  for (const member of ["id", "name", "issuer"] as const) {
    const seen = new Set<string>();
    for (const each of all) {
      const value = comparable[member](each[member]);
      requireThat(!seen.has(value), `Two of upstreams have the ${member} ${each[member]}: ${whyTheyDiffer[member]}.`);
      seen.add(value);
    }
  }
  return all;
}

/** In what form two upstreams are compared: not as they are written, but as people and servers tell them apart. */
const comparable: Readonly<Record<keyof typeof whyTheyDiffer, (text: string) => string>> = {
  id: (id) => id,
  name: (name) => name.normalize("NFKC").replaceAll(/\s+/g, " ").toLowerCase(),
  issuer: comparableIssuer,
};

/** An issuer without what a URL may have or leave out, such as the port 443 of https. */
function comparableIssuer(issuer: string): string {
  return withoutLastSlashes(new URL(issuer).href).toLowerCase();
}

/** Whether two issuers are one place, in whatever way each is written. */
export function isSamePlace(one: string, other: string): boolean {
  return comparableIssuer(one) === comparableIssuer(other);
}

const whyTheyDiffer = {
  id: "it names their callbacks; give one of them another id",
  name: "people could not tell them apart; give one of them another name",
  issuer: "users of one issuer are the same users, so list it once",
} as const;

function configureUpstream(option: string, upstream: Upstream | undefined): Upstream {
  const isGiven = typeof upstream === "object" && upstream !== null;
  if (!isGiven)
    throw new ConfigurationError(`${option} is missing: give the provider one, such as pangeaAuthn({ … }).`);
  const isList = Array.isArray(upstream);
  const several = option === "upstream" ? "give several as upstreams: [a, b]" : "take the brackets within it away";
  requireThat(!isList, `${option} is a list: ${several}.`);
  requireThat(!("then" in upstream), `${option} is a promise: await it.`);
  requireNoPreset(option, upstream);
  const isName = /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(requireText(`${option}.id`, upstream.id));
  requireThat(isName, `${option}.id must be lower-case letters, digits and hyphens, such as pangea.`);
  requireShownName(`${option}.name`, upstream.name);
  requireHttpUrl(`${option}.issuer`, upstream.issuer, "https://login.example.org");
  requireTimerLength(`${option}.timeout`, upstream.timeout);
  if (upstream.scopes !== undefined) requireScopes(`${option}.scopes`, upstream.scopes);
  for (const method of ["authorizationUrl", "exchange", "refresh", "identify", "revoke"] as const) {
    requireKind(`${option}.${method}`, upstream[method] ?? null, "function");
  }
  return punctual(upstream);
}

/** How long the name of an upstream may be, in characters: it stands on a button. */
const maxNameLength = 100;

/** People tell the upstreams apart by their names: what nobody sees must not be in one, and nothing may turn it round. */
function requireShownName(option: string, value: unknown): void {
  const name = requireExactText(option, value);
  const isShort = name.length <= maxNameLength;
  requireThat(isShort, `${option} may have ${maxNameLength} characters at the most: it stands on a button.`);
  const [unseen] = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u.exec(name) ?? [];
  const code = unseen?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
  requireThat(
    unseen === undefined,
    `${option} has the character U+${code} in it, which nobody sees or which turns text round: write the name without it.`,
  );
}

/** All that a login may ask an upstream for; undefined where an upstream does not say. */
export function upstreamScopesOf(upstreams: readonly Upstream[]): readonly string[] | undefined {
  const lists = upstreams.map(({ scopes }) => scopes);
  return lists.every((scopes) => scopes !== undefined) ? [...new Set(lists.flat())] : undefined;
}

/**
 * Checks which upstream the people of each e-mail domain log in at.
 *
 * @returns Ids of upstreams, by domains in lower-case ASCII.
 * @throws {ConfigurationError} for what is no domain, for one that is there twice, and for an upstream that there is not.
 */
export function configureEmailDomains(
  given: McpOAuthProviderOptions["emailDomains"] = {},
  upstreams: readonly Upstream[],
): ReadonlyMap<string, string> {
  const ids = upstreams.map(({ id }) => id);
  const domains = new Map<string, string>();
  const written = new Map<string, string>();
  for (const [domain, id] of Object.entries(given)) {
    const known = requireDomain("A name in emailDomains", domain);
    const other = written.get(known);
    requireThat(other === undefined, `emailDomains has one domain twice, as "${other}" and "${domain}": list it once.`);
    written.set(known, domain);
    const meant = namesLike(String(id), ids);
    const remedy = meant.length > 0 ? `Did you mean ${meant.join(" or ")}?` : `There are ${ids.join(", ")}.`;
    requireThat(ids.includes(id), `emailDomains["${domain}"] is no id of an upstream. ${remedy}`);
    domains.set(known, id);
  }
  return domains;
}

/** Options without the function that takes them, such as those of a preset, are no upstream. */
function requireNoPreset(option: string, given: object): void {
  if ("authorizationUrl" in given || !("clientId" in given)) return;
  const kind = "tokenEndpoint" in given ? "oAuth2" : "issuerUrl" in given ? "pangeaAuthn" : "openIdConnect";
  requireThat(false, `${option} is the options of one: wrap them in ${kind}(), as in ${kind}(options).`);
}

/** How much longer than it says a call may take, in milliseconds: an upstream that keeps its time says more of a failure. */
const grace = 1000;

/** The same upstream, of which no call goes on for ever. */
function punctual(upstream: Upstream): Upstream {
  const { id, name, issuer, timeout, keyMaterial, scopes } = upstream;
  const late = () => new UpstreamUnavailableError(`${name} does not settle a call within its timeout; try again.`);
  const within = <T>(call: () => Promise<T>): Promise<T> => beforeDeadline(timeout + grace, call(), late);
  return {
    ...{ id, name, issuer, timeout },
    ...(keyMaterial !== undefined && { keyMaterial }),
    ...(scopes !== undefined && { scopes }),
    authorizationUrl: (login) =>
      within(async () => requireLocation(name, "authorizationUrl", await upstream.authorizationUrl(login))),
    exchange: (exchange) => within(async () => requireTokens(name, "exchange", await upstream.exchange(exchange))),
    refresh: (refreshToken) => within(async () => requireTokens(name, "refresh", await upstream.refresh(refreshToken))),
    identify: (tokens) => within(async () => requireIdentity(name, await upstream.identify(tokens))),
    revoke: (tokens) => within(async () => upstream.revoke(tokens)),
    ...(upstream.logoutUrl !== undefined && {
      logoutUrl: (tokens, returnTo) =>
        within(async () => {
          const location = await upstream.logoutUrl?.(tokens, returnTo);
          return location === undefined ? undefined : requireLocation(name, "logoutUrl", location);
        }),
    }),
    ...(upstream.adviceFor !== undefined && { adviceFor: (error) => upstream.adviceFor?.(error) }),
    ...(upstream.prepare !== undefined && { prepare: async () => upstream.prepare?.() }),
    ...(upstream.diagnose !== undefined && {
      // It makes several calls, two of them after each other.
      diagnose: async (redirectUri) => (await upstream.diagnose?.(redirectUri)) ?? [],
    }),
  };
}

/**
 * The keys of the provider: from its secret, or from what the upstream has in its place.
 *
 * @throws {ConfigurationError} when there is neither, or what there is is too short.
 */
export function configureKeys(
  { secret }: Pick<McpOAuthProviderOptions, "secret">,
  [first, ...others]: readonly [Upstream, ...Upstream[]],
  issuer: string,
): KeyRing {
  if (secret !== undefined) requireKeySecrets("secret", secret);
  const hasSecret = secret !== undefined || others.length === 0;
  requireThat(
    hasSecret,
    "secret is missing: with several upstreams it is needed, for keys must not change with them. Where there was one upstream and no secret, its client secret in the place of secret lets all logins go on.",
  );
  const given = secret ?? first.keyMaterial;
  const remedy = `Give secret ${minSecretLength} random characters or more, the same on every instance.`;
  requireThat(given !== undefined, `secret is missing. ${remedy}`);
  const isLong = secret !== undefined || [given].flat().every((text) => text.length >= minSecretLength);
  requireThat(
    isLong,
    `secret is missing, and what ${first.name} has in its place has fewer than 32 characters and can be guessed. ${remedy}`,
  );
  if (secret === undefined) requireKeySecrets(`The client secret of ${first.name}, which stands in for secret,`, given);
  // Two servers with one secret must not open what the other one sealed.
  return KeyRing.from(given, { context: issuer });
}
