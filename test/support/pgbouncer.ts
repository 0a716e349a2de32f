import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import type { TestPostgres } from "./postgres-server.ts";
import { unprivilegedUser } from "./postgres-server.ts";

/** Where Debian's package puts it, which is on the PATH of root only. */
const programs = ["pgbouncer", "/usr/sbin/pgbouncer"];

/**
 * Starts a PgBouncer in front of a Postgres. It shares its few connections between transactions, so two statements of one
 * client may go over two connections, and what one connection was told is not known to the next one.
 *
 * @throws when PgBouncer is not installed; the message says how to install it.
 */
export async function startPgBouncer(postgres: Pick<TestPostgres, "url">): Promise<TestPostgres> {
  const program = programs.find((name) => spawnSync(name, ["--version"]).error === undefined);
  if (program === undefined) throw new Error("No PgBouncer for the tests: run `apt-get install -y pgbouncer`.");
  const { hostname, port, username, password, pathname } = new URL(postgres.url);
  const login = [`user=${decodeURIComponent(username)}`, password && `password=${decodeURIComponent(password)}`];
  const folder = await mkdtemp(join(tmpdir(), "pangea-pgbouncer-"));
  const ownPort = await freePort();
  const file = join(folder, "pgbouncer.ini");
  await writeFile(
    file,
    `[databases]
* = host=${hostname} port=${port || 5432} ${login.filter(Boolean).join(" ")}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${ownPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 100
default_pool_size = 4
`,
  );
  const user = unprivilegedUser();
  if (user !== undefined) for (const path of [folder, file]) await chown(path, user.uid, user.gid);
  const child = spawn(program, [file], { cwd: folder, stdio: ["ignore", "ignore", "pipe"], ...user });
  const killWithParent = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithParent);
  let log = "";
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`PgBouncer did not start:\n${log}`)));
    child.stderr.on("data", (chunk: Buffer) => {
      if (log.length < 20_000) log += chunk.toString();
      if (log.includes("process up")) resolve();
    });
  });
  return {
    url: `postgres://${username}@127.0.0.1:${ownPort}${pathname}`,
    [Symbol.asyncDispose]: async () => {
      process.off("exit", killWithParent);
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, "exit");
        child.kill("SIGKILL");
        await gone;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
