import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { freePort } from "../support/free-port.ts";

const run = promisify(execFile);

/** The distribution, as Maven's registry has it. */
export const keycloakVersion = "26.7.3";
const folder = join(homedir(), ".cache", "pangea-authn-fastmcp", "keycloak");
/** How long it may take to start on a busy machine, in milliseconds. */
const startDeadline = 300_000;

/** A running Keycloak on loopback, and its administration. */
export interface KeycloakServer extends AsyncDisposable {
  readonly url: string;
  /** Calls the admin REST API below `/admin`. */
  admin(method: string, path: string, body?: object): Promise<unknown>;
}

/** Fetches the distribution by Maven, where that was not done before. */
export async function fetchKeycloak(): Promise<string> {
  const home = join(folder, `keycloak-${keycloakVersion}`);
  if (existsSync(join(home, "bin", "kc.sh"))) return home;
  await mkdir(folder, { recursive: true });
  const artifact = `org.keycloak:keycloak-quarkus-dist:${keycloakVersion}:tar.gz`;
  await run("mvn", ["-q", "-B", "dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`]);
  const archive = join(folder, `keycloak-quarkus-dist-${keycloakVersion}.tar.gz`);
  await run("tar", ["xzf", archive, "-C", folder]);
  await rm(archive);
  return home;
}

/** Starts Keycloak in its development mode, with its state in memory and a disk folder that is emptied first. */
export async function startKeycloak(home: string): Promise<KeycloakServer> {
  await rm(join(home, "data"), { recursive: true, force: true });
  const port = await freePort();
  const credentials = { username: "admin", password: "only for this run" };
  const child = spawn(
    join(home, "bin", "kc.sh"),
    ["start-dev", "--http-host=127.0.0.1", `--http-port=${port}`, "--cache=local"],
    {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: {
        ...process.env,
        KC_BOOTSTRAP_ADMIN_USERNAME: credentials.username,
        KC_BOOTSTRAP_ADMIN_PASSWORD: credentials.password,
      },
    },
  );
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => output.push(String(text)));
  const url = `http://127.0.0.1:${port}`;
  try {
    await answering(url, child);
  } catch (cause) {
    stop(child);
    throw new Error(`Keycloak did not start:\n${output.join("").slice(-4_000)}`, { cause });
  }
  return {
    url,
    admin: async (method, path, body) => {
      const token = await adminToken(url, credentials);
      const response = await fetch(`${url}/admin${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text === "" ? undefined : JSON.parse(text);
    },
    [Symbol.asyncDispose]: async () => {
      stop(child);
    },
  };
}

/** kc.sh starts Java: both are of one process group. */
function stop(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  for (const until = performance.now() + startDeadline; performance.now() < until; ) {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}.`);
    const isUp = await fetch(`${url}/realms/master/.well-known/openid-configuration`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`It did not answer within ${startDeadline / 1_000} seconds.`);
}

async function adminToken(url: string, credentials: Record<string, string>): Promise<string> {
  const response = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "password", client_id: "admin-cli", ...credentials }),
  });
  return z.object({ access_token: z.string() }).parse(await response.json()).access_token;
}
