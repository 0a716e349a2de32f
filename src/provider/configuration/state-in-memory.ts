import { isLoopbackHost } from "../../option-checks.ts";
import { InMemoryRepository } from "../../storage/in-memory.ts";
import { emit } from "../events.ts";
import type { ProviderConfiguration } from "./configuration.ts";

/**
 * Warns of a server that people reach from elsewhere and that keeps its state in memory, which nobody wants for long.
 * `--disable-warning=PANGEA_STATE_IN_MEMORY` turns the warning off.
 */
export function warnOfStateInMemory({
  baseUrl,
  issuer,
  repositories,
}: Pick<ProviderConfiguration, "baseUrl" | "issuer" | "repositories">): void {
  const isInMemory = Object.values(repositories).some((repository) => repository instanceof InMemoryRepository);
  if (!isInMemory || isLoopbackHost(new URL(baseUrl).hostname)) return;
  emit("state-in-memory", { issuer });
  process.emitWarning(
    `${issuer} keeps its logins and registered clients in memory: a restart ends them all, and a second instance does not know them. Give it a store: repositories: createVaultRepositories(process.env.PANGEA_VAULT_TOKEN).`,
    { code: "PANGEA_STATE_IN_MEMORY" },
  );
}
