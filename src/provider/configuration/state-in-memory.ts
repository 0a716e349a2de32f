import { isLoopbackHost } from "../../option-checks.ts";
import { kindsKeptInMemory } from "../../records/kept-in-memory.ts";
import type { ProviderConfiguration } from "./configuration.ts";

/**
 * Warns of a server that people reach from elsewhere and that keeps its state in memory, which nobody wants for long.
 */
export function warnOfStateInMemory({
  baseUrl,
  issuer,
  reporter,
  repositories,
}: Pick<ProviderConfiguration, "baseUrl" | "issuer" | "reporter" | "repositories">): void {
  if (kindsKeptInMemory(repositories).length === 0 || isLoopbackHost(new URL(baseUrl).hostname)) return;
  reporter.tell("state-in-memory", { issuer });
}
