import { InMemoryRepository } from "../storage/in-memory.ts";

/** Names the kinds of repositories that end with the process, where their classes do not tell. */
export const keptInMemory: unique symbol = Symbol("keptInMemory");

/** The kinds of repositories that end with the process, also of those behind a wrapper that says so. */
export function kindsKeptInMemory(repositories: object): readonly string[] {
  const marked: unknown = keptInMemory in repositories ? repositories[keptInMemory] : undefined;
  const ofClass = Object.entries(repositories).filter(([, repository]) => repository instanceof InMemoryRepository);
  return [...new Set([...(Array.isArray(marked) ? marked.map(String) : []), ...ofClass.map(([name]) => name)])];
}

/** What a wrapper of repositories has beside them, so that it can still be told which of them end with the process. */
export function markOfMemory(repositories: object): { readonly [keptInMemory]?: readonly string[] } {
  const kinds = kindsKeptInMemory(repositories);
  return kinds.length === 0 ? {} : { [keptInMemory]: kinds };
}
