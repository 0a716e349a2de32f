import { namesLike, requireOptions, requireThat } from "../../option-checks.ts";
import { createInMemoryRepositories, requireOneForEach } from "../../records/repositories.ts";
import { requireRepository } from "../../storage/contract.ts";
import { documentKinds, registrationKinds } from "./client-options.ts";
import { consentKinds } from "./consent-options.ts";
import {
  accountKinds,
  grantUseKinds,
  type McpOAuthProviderOptions,
  providerOptionKinds,
  revocationKinds,
} from "./options.ts";
import { overloadKinds, rateLimitKinds } from "./request-limit-options.ts";

/**
 * Checks that there are no options but those that there are, and what kind of thing each is. A text such as "false" in the
 * place of a boolean must not switch anything on, and a misspelt option must not be one that was left out.
 *
 * @param owner - The class, for messages.
 * @throws {ConfigurationError} when an option is unknown, or something else than it should be; the message names it.
 */
export function checkOptionKinds(owner: string, options: McpOAuthProviderOptions): void {
  const { clientMetadataDocuments, rateLimits, repositories } = options;
  refusePangeaOptions(owner, options);
  requireOptions(owner, options, providerOptionKinds);
  requireOptions("clientRegistration", options.clientRegistration, registrationKinds, "clientRegistration");
  requireOptions("clientMetadataDocuments", clientMetadataDocuments, documentKinds, "clientMetadataDocuments");
  requireOptions("consent", options.consent, consentKinds, "consent");
  requireOptions("revocation", options.revocation, revocationKinds, "revocation");
  requireOptions("grantUse", options.grantUse, grantUseKinds, "grantUse");
  requireOptions("account", options.account, accountKinds, "account");
  if (rateLimits !== false)
    requireOptions("rateLimits", rateLimits, rateLimitKinds, "rateLimits", ", or false for none");
  if (options.overload !== false)
    requireOptions("overload", options.overload, overloadKinds, "overload", ", or false to refuse nobody");
  checkLogger(options.logger);
  const { allowedDomains } = clientMetadataDocuments ?? {};
  const areDomains = allowedDomains === undefined || isListOf("string", allowedDomains);
  requireThat(areDomains, "clientMetadataDocuments.allowedDomains must be a list of host names.");
  const areClients = options.clients === undefined || isListOf("object", options.clients);
  requireThat(areClients, "clients must be a list of clients, each with its client_id and redirect_uris.");
  if (repositories !== undefined) checkRepositories(repositories);
}

/** The general class has no options of one upstream: they are the upstream's own. */
function refusePangeaOptions(owner: string, options: object): void {
  const [name] = Object.keys(options).filter((each) => each.startsWith("pangeaAuthn"));
  requireThat(
    name === undefined || name in providerOptionKinds,
    `${name} is an option of PangeaOAuthProvider. To ${owner} give upstream: pangeaAuthn({ issuerUrl, clientId, clientSecret, scopes }).`,
  );
}

function checkLogger(logger: unknown): void {
  if (logger === undefined || logger === false) return;
  const lacks = ["debug", "info", "warn", "error"].filter(
    (method) => typeof logger !== "object" || logger === null || typeof Reflect.get(logger, method) !== "function",
  );
  const rule = "logger must be false, or have the methods of console that are used: debug, info, warn and error";
  requireThat(lacks.length === 0, `${rule}. It lacks ${lacks.join(", ")}.`);
}

const remedy = "give what a create…Repositories() gives back, such as createVaultRepositories(token)";

/**
 * Checks that there is a whole repository for every kind of record: one that is forgotten must not lose all logins when
 * the server is started anew. What comes with the repositories of a backend is left alone, such as `sweep`.
 */
function checkRepositories(repositories: unknown): void {
  requireThat(typeof repositories !== "function", `repositories is a function: call it, and ${remedy}.`);
  const isObject = typeof repositories === "object" && repositories !== null;
  requireThat(isObject, `repositories must be an object with a repository of each kind: ${remedy}.`);
  requireThat(!("then" in repositories), "repositories is a promise: await it.");
  const kinds = Object.keys(createInMemoryRepositories());
  const missing = kinds.filter((kind) => Reflect.get(repositories, kind) === undefined);
  for (const kind of kinds)
    if (!missing.includes(kind)) requireRepository(`repositories.${kind}`, Reflect.get(repositories, kind));
  requireThat(
    missing.length < kinds.length,
    `repositories has no repository of any kind (${kinds.join(", ")}): ${remedy}. A single repository or a client of a store is none.`,
  );
  const others = Object.keys(repositories).filter((name) => !kinds.includes(name));
  const [misspelt] = missing.flatMap((kind) => namesLike(kind, others));
  requireThat(
    missing.length === 0,
    `repositories has no ${missing.join(", ")}${misspelt === undefined ? "" : ` (is it "${misspelt}"?)`}. All kinds are needed, for what is kept in memory is lost when the server is started anew: ${remedy}.`,
  );
  requireOneForEach("repositories", Object.fromEntries(kinds.map((kind) => [kind, Reflect.get(repositories, kind)])));
}

function isListOf(kind: "string" | "object", value: unknown): boolean {
  return Array.isArray(value) && value.every((member) => typeof member === kind && member !== null);
}
