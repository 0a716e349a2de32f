import { requireKind, requireThat } from "../../option-checks.ts";
import type { McpOAuthProviderOptions } from "./options.ts";

const methods = ["get", "set", "delete", "take", "add"];

/**
 * Checks what kind of thing each option is. A text such as "false" in the place of a boolean must not switch anything on,
 * and a repository of three methods must not be found out by the first code that is redeemed.
 *
 * @throws {ConfigurationError} when an option is something else than it should be; the message names it.
 */
export function checkOptionKinds(options: McpOAuthProviderOptions): void {
  const { clientRegistration, clientMetadataDocuments, revocation, rateLimits, consent, repositories } = options;
  const groups = { clientRegistration, clientMetadataDocuments, revocation, consent, repositories };
  for (const [name, group] of Object.entries(groups)) requireKind(name, group, "object");
  if (rateLimits !== false) requireKind("rateLimits", rateLimits, "object");
  requireKind("rateLimits.limiter", rateLimits === false ? undefined : rateLimits?.limiter, "function");
  requireKind("clock", options.clock, "function");
  checkLogger(options.logger);
  for (const [name, group] of Object.entries({ clientRegistration, clientMetadataDocuments, revocation })) {
    requireKind(`${name}.enabled`, group?.enabled, "boolean");
  }
  requireKind("clientMetadataDocuments.fetch", clientMetadataDocuments?.fetch, "function");
  const { allowedDomains } = clientMetadataDocuments ?? {};
  const areDomains = allowedDomains === undefined || isListOf("string", allowedDomains);
  requireThat(areDomains, "clientMetadataDocuments.allowedDomains must be a list of host names.");
  const areClients = options.clients === undefined || isListOf("object", options.clients);
  requireThat(areClients, "clients must be a list of clients, each with its client_id and redirect_uris.");
  for (const [name, repository] of Object.entries(repositories ?? {})) checkRepository(name, repository);
}

function checkLogger(logger: unknown): void {
  if (logger === undefined || logger === false) return;
  const lacks = ["debug", "info", "warn", "error"].filter((method) => !hasMethod(logger, method));
  const rule = "logger must be false, or have the methods of console that are used: debug, info, warn and error";
  requireThat(lacks.length === 0, `${rule}. It lacks ${lacks.join(", ")}.`);
}

/** What comes with the repositories of a backend is left alone, such as `sweep`. */
function checkRepository(name: string, repository: unknown): void {
  if (repository === undefined || typeof repository === "function") return;
  const lacks = methods.filter((method) => !hasMethod(repository, method));
  requireThat(
    lacks.length === 0,
    `repositories.${name} lacks ${lacks.join(", ")}; inOneProcess() makes a whole repository of get, set and delete.`,
  );
}

/** True for an object with a method of that name, its own or of its class. */
export function hasMethod(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, name) === "function";
}

function isListOf(kind: "string" | "object", value: unknown): boolean {
  return Array.isArray(value) && value.every((member) => typeof member === kind && member !== null);
}
