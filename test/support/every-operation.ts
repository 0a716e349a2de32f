import type { RedisRepository } from "../../src/redis.ts";

/** Every operation, each with the milliseconds that it took. */
export async function everyOperation(repository: RedisRepository<string>): Promise<{ error: unknown; took: number }[]> {
  const operations = [
    () => repository.get("k"),
    () => Promise.all([repository.get("k"), repository.get("l")]),
    () => repository.set("k", "w"),
    () => repository.delete("k"),
    () => repository.take("k"),
    () => repository.add("k", "x"),
  ];
  return Promise.all(
    operations.map(async (operation) => {
      const start = performance.now();
      const error = await operation().then(
        () => undefined,
        (failure: unknown) => failure,
      );
      return { error, took: performance.now() - start };
    }),
  );
}
