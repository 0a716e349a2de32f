import { setImmediate } from "node:timers";
import { requireDuration, requireHttpUrl, requireThat } from "../../option-checks.ts";
import { createInMemoryRepositories, type ProviderRepositories } from "../../records/repositories.ts";
import { giveKeys } from "../../records/sealable.ts";
import type { KeyRing } from "../../secrets/key-ring.ts";
import { requirePrivateUseSchemes } from "../oauth/private-use-schemes.ts";
import { ScopeHierarchy } from "../oauth/scope-hierarchy.ts";
import { offlineAccess, requireScopes, requireScopesAmong } from "../oauth/scopes.ts";
import { OperatorLog } from "../reporting/logger.ts";
import { Reporter } from "../reporting/reporter.ts";
import { Upstreams } from "../upstream/upstreams.ts";
import { type AccountConfiguration, configureAccount } from "./account.ts";
import { type Addresses, configureAddresses } from "./addresses.ts";
import { configureDocuments } from "./client-documents.ts";
import type { ClientDocumentsOptions } from "./client-documents-options.ts";
import type { PreRegisteredClient } from "./client-options.ts";
import { type ConsentConfiguration, configureConsent } from "./consent-configuration.ts";
import type { ProviderInternals } from "./internals.ts";
import { configureClockTolerance, configureLifetimes, type Lifetimes } from "./lifetimes.ts";
import { type NamedClock, namedClock, randomName } from "./named-clock.ts";
import { checkOptionKinds } from "./option-kinds.ts";
import type { McpOAuthProviderOptions } from "./options.ts";
import { preRegisteredClients } from "./pre-registered-clients.ts";
import { configureRateLimits, type RateLimitConfiguration } from "./rate-limit-configuration.ts";
import { configureRegistration, type RegistrationConfiguration } from "./registration.ts";
import type { OverloadOptions } from "./request-limit-options.ts";
import { configureEmailDomains, configureKeys, configureUpstreams, isSamePlace, upstreamScopesOf } from "./upstream.ts";

/** The options of a provider, checked and complete. */
export interface ProviderConfiguration extends Addresses, NamedClock {
  readonly scopes: readonly string[];
  /** Which of the scopes imply others. */
  readonly scopeHierarchy: ScopeHierarchy;
  readonly requiredScopes: readonly string[];
  /** Where people log in. */
  readonly upstreams: Upstreams;
  readonly repositories: ProviderRepositories;
  readonly registration: RegistrationConfiguration;
  /** The schemes of applications that clients may register, beyond those that are known. */
  readonly privateUseSchemes: readonly string[];
  /** How documents and keys of clients are fetched. */
  readonly documents: ClientDocumentsOptions;
  /** Whether clients may be identified by the URL of a document. */
  readonly documentsEnabled: boolean;
  readonly rateLimits: RateLimitConfiguration | undefined;
  /** How long requests may wait; undefined where all begin at once. */
  readonly overload: Required<OverloadOptions> | undefined;
  readonly revocationEnabled: boolean;
  /** What is written down of how grants are used. */
  readonly grantUse: { readonly isRecorded: boolean; readonly hasNetwork: boolean };
  readonly account: AccountConfiguration;
  readonly serviceDocumentation: string | undefined;
  readonly consent: ConsentConfiguration;
  readonly preRegisteredClients: ReadonlyMap<string, PreRegisteredClient>;
  readonly keys: KeyRing;
  readonly lifetimes: Lifetimes;
  readonly invalidGrantStatus: 400 | 401;
  /** How long a request may take to arrive, in milliseconds. */
  readonly requestTimeout: number;
  /** How far the clocks of others may be off, in seconds. */
  readonly clockTolerance: number;
  /** How far the clocks of two instances of this server may be apart, in seconds. */
  readonly instanceClockTolerance: number;
  /** Told of what another server keeps in the same store. Tells whoever listens, once. */
  readonly meetForeignGrant: (resource: string) => void;
  /** Told of what belongs to a login at an upstream that is not configured. Tells whoever listens, once for each. */
  readonly meetUnknownUpstream: (issuer: string | undefined) => void;
  /** Called where the grants of a user or client are asked for and all have to be read. Tells whoever listens, once. */
  readonly meetUnindexedGrants: () => void;
  /** A name that no other instance has. */
  readonly instance: string;
  readonly onRefreshReuse: "end-grant" | "refuse";
  /** Tells whoever listens, and the operator, what goes wrong. */
  readonly reporter: Reporter;
  /** The time in milliseconds since the epoch. */
  readonly clock: () => number;
  /** Waits, in milliseconds. */
  readonly delay: (milliseconds: number) => Promise<void>;
  /** Does something so many milliseconds later, unless it is told to stop. Keeps no process alive. */
  readonly later: (milliseconds: number, run: () => void) => () => void;
  /** The time that has gone by, in milliseconds, which no clock that is set changes. */
  readonly elapsed: () => number;
  /** Does something in the next turn of the event loop. */
  readonly nextTurn: (run: () => void) => void;
}

/**
 * Checks the options of a provider and fills in the defaults.
 *
 * @throws {ConfigurationError} when an option is wrong; the message names it and says what it should be.
 */
export function configure(options: McpOAuthProviderOptions, internals: ProviderInternals): ProviderConfiguration {
  requireThat(typeof options === "object" && options !== null, "McpOAuthProvider takes an object of options.");
  const { nameOf = (option) => option, owner = "McpOAuthProvider" } = internals;
  const { delay = wait, elapsed = () => performance.now(), later = byTimer, nextTurn = inNextTurn } = internals;
  checkOptionKinds(owner, options);
  const { clock = Date.now, invalidGrantStatus = 400, serviceDocumentationUrl, onRefreshReuse = "end-grant" } = options;
  requireClock(clock);
  const given = configureUpstreams(options);
  const addresses = configureAddresses(options, given, nameOf);
  for (const { issuer, name } of given) {
    const isAnother = !isSamePlace(issuer, addresses.issuer);
    requireThat(isAnother, `The issuer of ${name} is this server's own, ${addresses.issuer}: people log in elsewhere.`);
  }
  const emailDomains = configureEmailDomains(options.emailDomains, given);
  const scopes = requireScopes(nameOf("scopes"), options.scopes);
  requireThat(scopes.length > 0, `${nameOf("scopes")} needs one scope at least, such as "user": nobody could log in.`);
  const isFree = !scopes.includes(offlineAccess);
  requireThat(isFree, `${nameOf("scopes")} must not list ${offlineAccess}: it is always understood.`);
  requireThat([400, 401].includes(invalidGrantStatus), "invalidGrantStatus must be 400 or 401.");
  const isKnown = ["end-grant", "refuse"].includes(onRefreshReuse);
  requireThat(isKnown, 'onRefreshReuse must be "end-grant" or "refuse".');
  const scopeHierarchy = ScopeHierarchy.of(scopes, "scopeImplies", options.scopeImplies);
  const lifetimes = configureLifetimes(options);
  const registration = configureRegistration(options.clientRegistration, scopes, scopeHierarchy, lifetimes);
  const privateUseSchemes = requirePrivateUseSchemes("privateUseSchemes", options.privateUseSchemes ?? []);
  const ownClients = preRegisteredClients(options.clients ?? [], scopes);
  const keys = configureKeys(options, given, addresses.issuer);
  if (options.repositories !== undefined) giveKeys(options.repositories, keys);
  const reporter = new Reporter(new OperatorLog(options.logger, clock));
  const repositories = options.repositories ?? createInMemoryRepositories({ clock });
  return {
    ...addresses,
    scopes,
    scopeHierarchy,
    requiredScopes: requireScopesAmong(scopes, "requiredScopes", options.requiredScopes ?? []),
    upstreams: new Upstreams(given, { baseUrl: addresses.baseUrl, emailDomains, ...formerIssuerOf(options) }),
    repositories,
    registration,
    privateUseSchemes,
    documents: configureDocuments(options, registration, privateUseSchemes, ownClients.values(), internals),
    documentsEnabled: options.clientMetadataDocuments?.enabled ?? true,
    rateLimits: configureRateLimits(options.rateLimits),
    overload: configureOverload(options.overload),
    revocationEnabled: options.revocation?.enabled ?? true,
    grantUse: { isRecorded: options.grantUse?.recorded ?? true, hasNetwork: options.grantUse?.network ?? false },
    account: configureAccount(options.account ?? {}, repositories),
    serviceDocumentation:
      serviceDocumentationUrl === undefined
        ? undefined
        : requireHttpUrl("serviceDocumentationUrl", serviceDocumentationUrl, "https://docs.example.org"),
    consent: configureConsent(options.consent ?? {}, addresses.baseUrl, scopes, upstreamScopesOf(given)),
    preRegisteredClients: ownClients,
    keys,
    lifetimes,
    invalidGrantStatus,
    requestTimeout: requireDuration("requestTimeout", options.requestTimeout, 10_000, 600_000, "milliseconds"),
    clockTolerance: configureClockTolerance(options, 30),
    instanceClockTolerance: configureClockTolerance(options, 120),
    meetForeignGrant: once((resource: string) => reporter.tell("foreign-grants", { resource })),
    meetUnknownUpstream: onceEach((upstreamIssuer) => reporter.tell("unknown-upstream", { upstreamIssuer })),
    meetUnindexedGrants: once(() => reporter.tell("grants-unindexed", { issuer: addresses.issuer })),
    instance: randomName(),
    onRefreshReuse,
    reporter,
    clock,
    ...namedClock(clock),
    delay,
    later,
    elapsed,
    nextTurn,
  };
}

/** A time before 1973 is one in seconds: with it, nothing would ever expire. */
function requireClock(clock: () => unknown): void {
  const now = clock();
  const isTime = typeof now === "number" && now > 1e11 && now < 1e14;
  requireThat(isTime, "clock must give the time in milliseconds since the epoch, as Date.now does.");
}

function configureOverload(options: OverloadOptions | false = {}): Required<OverloadOptions> | undefined {
  if (options === false) return undefined;
  const { longestWait } = options;
  return { longestWait: requireDuration("overload.longestWait", longestWait, 500, 10_000, "milliseconds") };
}

function formerIssuerOf({ formerIssuer }: Pick<McpOAuthProviderOptions, "formerIssuer">) {
  return formerIssuer === undefined
    ? {}
    : { formerIssuer: requireHttpUrl("formerIssuer", formerIssuer, "https://login.example.org") };
}

function once<Told extends unknown[]>(tell: (...told: Told) => void): (...told: Told) => void {
  let isTold = false;
  return (...told) => {
    if (!isTold) tell(...told);
    isTold = true;
  };
}

/** How many issuers are told apart: nobody has as many, and what the store says must not fill the memory. */
const maxTold = 1000;

function onceEach(tell: (name: string | undefined) => void): (name: string | undefined) => void {
  const told = new Set<string | undefined>();
  return (name) => {
    if (told.has(name) || told.size >= maxTold) return;
    told.add(name);
    tell(name);
  };
}

function inNextTurn(run: () => void): void {
  setImmediate(run);
}

function byTimer(milliseconds: number, run: () => void): () => void {
  const timer = setTimeout(run, milliseconds).unref();
  return () => clearTimeout(timer);
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
