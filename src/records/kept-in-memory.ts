import { InMemoryRepository } from "../storage/in-memory.ts";

/** Marks repositories that end with the process, where their classes do not tell. */
export const keptInMemory: unique symbol = Symbol("keptInMemory");

/** True for repositories of which some end with the process, also behind a wrapper. */
export function areKeptInMemory(repositories: object): boolean {
  if (keptInMemory in repositories) return true;
  return Object.values(repositories).some((repository) => repository instanceof InMemoryRepository);
}
