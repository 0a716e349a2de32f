import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { dockerAnswers, startContainer } from "./containers.ts";
import { fastDisk } from "./fast-disk.ts";
import { freePort } from "./free-port.ts";

const installLine = "No Redis for the tests: run `apt-get install -y redis-server`, start Docker, or set REDIS_URL.";
const startAttempts = 5;

/** A Redis that a test may use, whoever runs it. Its keys belong to the test's own prefix only. */
export interface TestRedis extends AsyncDisposable {
  readonly url: string;
}

/** A redis-server process that a test may stop, kill and start again. */
export interface RedisServer extends TestRedis {
  readonly host: string;
  readonly port: number;
  /** SIGSTOP: the connections stay open and nothing answers. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL, as by the out-of-memory killer. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  restart(): Promise<void>;
}

/** REDIS_URL where it is set, else a container where a Docker engine runs, else redis-server or valkey-server. */
export async function findRedis(): Promise<TestRedis> {
  const url = process.env.REDIS_URL;
  if (url !== undefined && url !== "") return { url, [Symbol.asyncDispose]: async () => undefined };
  if (await dockerAnswers()) return startRedisContainer();
  return startRedisServer();
}

/**
 * Starts a redis-server process on a free port, with its data in a directory of its own.
 *
 * @param settings - Directives of redis.conf as command-line arguments: `["--appendonly", "yes"]`.
 * @param portSettings - The directives that name further ports, asked again where one of them was taken.
 */
export async function startRedisServer(
  settings: readonly string[] = [],
  portSettings: () => Promise<readonly string[]> = async () => [],
): Promise<RedisServer> {
  const program = redisProgram();
  const directory = await mkdtemp(join(fastDisk(), "pangea-redis-"));
  const host = "127.0.0.1";
  let port = 0;
  let ports: readonly string[] = [];
  const start = (): Promise<ChildProcess> => {
    const own = ["--bind", host, "--port", String(port), "--dir", directory, "--save", ""];
    return startProcess(program, [...own, ...settings, ...ports]);
  };

  let process_: ChildProcess | undefined;
  for (let attempt = 1; process_ === undefined; attempt++) {
    port = await freePort();
    ports = await portSettings();
    try {
      process_ = await start();
    } catch (error) {
      // Another process may have taken the port since it was found free.
      if (attempt === startAttempts) throw error;
    }
  }
  let child = process_;

  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  return {
    url: `redis://${host}:${port}`,
    host,
    port,
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    kill,
    restart: async () => {
      await kill();
      child = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Starts a server process and resolves once it says that it takes connections. */
export function startProcess(program: string, commandLine: readonly string[]): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, commandLine, { stdio: ["ignore", "pipe", "pipe"] });
    const killWithParent = (): void => void child.kill("SIGKILL");
    process.once("exit", killWithParent);
    let log = "";
    const onExit = (): void => reject(new Error(`${program} did not start:\n${log}`));
    const read = (chunk: Buffer): void => {
      if (log.length > 20_000) return;
      log += chunk.toString();
      if (!/Ready to accept connections|\+monitor/.test(log)) return;
      child.off("exit", onExit);
      resolve(child);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    child.once("exit", onExit);
    child.once("exit", () => process.off("exit", killWithParent));
  });
}

/** The path of a program, or `undefined` where none of the directories has it. */
export function findProgram(name: string, directories = (process.env.PATH ?? "").split(delimiter)): string | undefined {
  return directories
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Where redis-server or valkey-server is: the first of them that is there, or the one that `REDIS_PROGRAM` prefers. */
export function redisProgram(): string {
  const { REDIS_PROGRAM: preferred = "redis-server" } = process.env;
  const program = findProgram(preferred) ?? findProgram("redis-server") ?? findProgram("valkey-server");
  if (program === undefined) throw new Error(installLine);
  return program;
}

async function startRedisContainer(): Promise<TestRedis> {
  const ready = [/Ready to accept connections/, 1] as const;
  const container = await startContainer({ image: "redis:7-alpine", port: 6379, ready });
  return {
    url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
    [Symbol.asyncDispose]: async () => void (await container.stop()),
  };
}
