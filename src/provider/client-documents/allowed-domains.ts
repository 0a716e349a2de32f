import { ConfigurationError } from "../../errors.ts";
import { requireThat } from "../../option-checks.ts";

/**
 * Reads a list of trusted domains: `app.example` is that host and no other, `*.app.example` every host below it, at any
 * depth, without itself.
 *
 * @throws {ConfigurationError} when an entry is neither, or there is none.
 *
 * @example
 * ```ts
 * const isAllowed = parseAllowedDomains(["claude.ai", "*.example.com"]);
 * isAllowed("clients.example.com"); // true
 * ```
 */
export function parseAllowedDomains(domains: readonly string[]): (hostname: string) => boolean {
  requireThat(
    domains.length > 0,
    "clientMetadataDocuments.allowedDomains is empty, so no document could be fetched: name a domain, or say clientMetadataDocuments: { enabled: false }.",
  );
  const hosts = new Set<string>();
  const suffixes: string[] = [];
  for (const domain of domains) {
    const name = hostName(domain.replace(/^\*\./, ""));
    const several = domain.split(/[\s,;]+/).filter((part) => part !== "");
    requireThat(
      several.length < 2,
      `clientMetadataDocuments.allowedDomains has several domains in one text: give each by itself, ${JSON.stringify(several)}.`,
    );
    if (name === undefined) {
      throw new ConfigurationError(
        `clientMetadataDocuments.allowedDomains lists ${JSON.stringify(domain)}; give a host name such as "app.example" or "*.app.example".`,
      );
    }
    if (domain.startsWith("*.")) suffixes.push(`.${name}`);
    else hosts.add(name);
  }
  return (hostname) => hosts.has(hostname) || suffixes.some((suffix) => hostname.endsWith(suffix));
}

/** The name as a URL parser writes it: lower case, internationalised names in their ASCII form. */
function hostName(text: string): string | undefined {
  if (!/^[^\s/?#@:\\*%,;"'$]+$/.test(text) || text.endsWith(".") || !URL.canParse(`https://${text}/`)) return undefined;
  return new URL(`https://${text}/`).hostname;
}
