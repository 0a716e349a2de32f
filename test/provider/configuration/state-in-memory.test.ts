import { expect, it, vi } from "vitest";
import {
  cacheRepositories,
  createInMemoryRepositories,
  PangeaOAuthProvider,
  type ProviderRepositories,
  type Repository,
  wrapRepositories,
} from "../../../src/index.ts";
import { createSqliteRepositories } from "../../../src/sqlite.ts";
import { intercepted, interceptedRepositories } from "../../support/intercepted-repository.ts";
import { heard } from "../../support/provider-events.ts";
import { providerOptions } from "../../support/provider-harness.ts";

const elsewhere = { mcpBaseUrl: "https://mcp.example" };
/** In a store, as far as a provider can tell. */
const stored = interceptedRepositories((run) => run());

const wrappedAnew = (repositories: ProviderRepositories) =>
  wrapRepositories(repositories, <V>(repository: Repository<string, V>) => intercepted(repository, (run) => run()));

it.each([
  ["none given", elsewhere, 1],
  ["in memory in so many words", { ...elsewhere, repositories: createInMemoryRepositories() }, 1],
  [
    "behind a cache",
    { ...elsewhere, repositories: cacheRepositories(createInMemoryRepositories(), { maxStaleness: 5_000 }) },
    1,
  ],
  ["behind a wrapper", { ...elsewhere, repositories: wrappedAnew(createInMemoryRepositories()) }, 1],
  ["behind two wrappers", { ...elsewhere, repositories: wrappedAnew(wrappedAnew(createInMemoryRepositories())) }, 1],
  ["in a database in memory", { ...elsewhere, repositories: createSqliteRepositories(":memory:") }, 1],
  [
    "in a database in memory behind a wrapper",
    { ...elsewhere, repositories: wrappedAnew(createSqliteRepositories(":memory:")) },
    1,
  ],
  [
    "in a database in memory behind a cache",
    { ...elsewhere, repositories: cacheRepositories(createSqliteRepositories(":memory:"), { maxStaleness: 5_000 }) },
    1,
  ],
  ["in a store behind a wrapper", { ...elsewhere, repositories: wrappedAnew(stored) }, 0],
  ["in a store", { ...elsewhere, repositories: stored }, 0],
  ["in a store behind a cache", { ...elsewhere, repositories: cacheRepositories(stored, { maxStaleness: 5_000 }) }, 0],
  ["on this machine", { mcpBaseUrl: "http://localhost:8000" }, 0],
  ["on this machine by its address", { mcpBaseUrl: "http://127.0.0.1:8000" }, 0],
])("state in memory, where people come from elsewhere, is warned of once at start: %s", (_, changes, warnings) => {
  const warn = vi.fn();
  const logger = { debug() {}, info() {}, warn, error() {} };
  const told = heard("state-in-memory");
  new PangeaOAuthProvider({ ...providerOptions("https://login.example"), logger, ...changes });
  expect(told.stop()).toEqual(Array(warnings).fill({ issuer: "https://mcp.example" }));
  expect(warn.mock.calls).toHaveLength(warnings);
  for (const [text] of warn.mock.calls) expect(text).toMatch(/a restart ends them all.*repositories: create/);
});
