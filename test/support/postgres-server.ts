import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { dockerAnswers, startContainer } from "./containers.ts";
import { freePort } from "./free-port.ts";
import { findProgram } from "./redis-server.ts";

const installLine =
  "No Postgres for the tests: run `apt-get install -y postgresql`, start Docker, or set POSTGRES_URL.";

/** A Postgres that a test may use, whoever runs it. A test's tables have names of their own. */
export interface TestPostgres extends AsyncDisposable {
  readonly url: string;
}

/** A Postgres process that a test may stop and start again. */
export interface PostgresServer extends TestPostgres {
  readonly port: number;
  /** SIGINT: Postgres ends its connections, and itself. */
  stop(): Promise<void>;
  /** SIGQUIT: an end without a goodbye, as by a crash. */
  crash(): Promise<void>;
  /** Starts it again on the same port and data. */
  restart(): Promise<void>;
}

/** POSTGRES_URL where it is set, else a container where a Docker engine runs, else the programs of Debian. */
export async function findPostgres(): Promise<TestPostgres> {
  const url = process.env.POSTGRES_URL;
  if (url !== undefined && url !== "") return { url, [Symbol.asyncDispose]: async () => undefined };
  if (await dockerAnswers()) return startPostgresContainer();
  return startPostgresServer();
}

/** Starts a Postgres on a free port, with its data in a directory of its own. */
export async function startPostgresServer(settings: readonly string[] = []): Promise<PostgresServer> {
  const programs = await programDirectory();
  const directory = await mkdtemp(join(tmpdir(), "pangea-postgres-"));
  const user = unprivilegedUser();
  if (user !== undefined) await chown(directory, user.uid, user.gid);
  const data = join(directory, "data");
  const options = { cwd: directory, stdio: "pipe", ...user } as const;
  execFileSync(
    join(programs, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
    options,
  );
  const port = await freePort();
  const start = async (): Promise<ChildProcess> => {
    const own = [
      "-D",
      data,
      "-k",
      directory,
      "-p",
      String(port),
      "-c",
      "listen_addresses=127.0.0.1",
      "-c",
      "fsync=off",
    ];
    const child = spawn(join(programs, "postgres"), [...own, ...settings], {
      ...options,
      stdio: ["ignore", "ignore", "pipe"],
    });
    await isReady(child);
    return child;
  };
  let child = await start();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  const stop = (): Promise<void> => end("SIGINT");
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    stop,
    crash: () => end("SIGQUIT"),
    restart: async () => {
      await stop();
      child = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Resolves once the server says that it takes connections. */
function isReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    const killWithParent = (): void => void child.kill("SIGQUIT");
    process.once("exit", killWithParent);
    child.once("exit", () => process.off("exit", killWithParent));
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`Postgres did not start:\n${log}`)));
    child.stderr?.on("data", (chunk: Buffer) => {
      if (log.length > 20_000) return;
      log += chunk.toString();
      if (log.includes("ready to accept connections")) resolve();
    });
  });
}

/** Where initdb and postgres are: on the PATH, or where Debian puts those of each version. */
async function programDirectory(): Promise<string> {
  const debian = "/usr/lib/postgresql";
  const versions = await readdir(debian).catch(() => []);
  const newest = versions
    .sort((one, other) => Number(other) - Number(one))
    .map((version) => join(debian, version, "bin"));
  const directories = [...(process.env.PATH ?? "").split(delimiter), ...newest];
  const program = findProgram("initdb", directories);
  if (program === undefined) throw new Error(installLine);
  return program.slice(0, -"/initdb".length);
}

/** Postgres refuses to run as root: the user that Debian's package makes, where this is root. */
export function unprivilegedUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

async function startPostgresContainer(): Promise<TestPostgres> {
  const container = await startContainer({
    image: "postgres:17-alpine",
    port: 5432,
    environment: { POSTGRES_HOST_AUTH_METHOD: "trust" },
    ready: [/ready to accept connections/, 2],
  });
  return {
    url: `postgres://postgres@${container.getHost()}:${container.getMappedPort(5432)}/postgres`,
    [Symbol.asyncDispose]: async () => void (await container.stop()),
  };
}
