import { Pool, type PoolConfig } from "pg";

/**
 * A pool of `pg` for a server that the test ends. The end of a pool does not wait for its connections, so the end of the
 * server may reach them: that is nothing for the process to die of.
 */
export function openPostgresPool(config: PoolConfig): Pool {
  const pool = new Pool(config);
  pool.on("error", () => undefined);
  pool.on("connect", (connection) => connection.on("error", () => undefined));
  return pool;
}
