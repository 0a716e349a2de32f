import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const program = "nginx";

/** What an nginx ends https with. */
export interface NginxCertificate {
  /** In PEM. */
  readonly certificate: string;
  readonly key: string;
}

/**
 * Starts an nginx on a port of loopback, with the `location` blocks of a test.
 *
 * @param https - Given, it speaks https with this certificate.
 * @throws when nginx is not installed; the message says how to install it.
 */
export async function startNginx(port: number, locations: string, https?: NginxCertificate): Promise<AsyncDisposable> {
  if (spawnSync(program, ["-v"]).error !== undefined) {
    throw new Error("No nginx for the tests: run `apt-get install -y nginx`.");
  }
  const folder = await mkdtemp(join(tmpdir(), "pangea-nginx-"));
  const bodies = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  if (https !== undefined) {
    await writeFile(certificate, https.certificate);
    await writeFile(key, https.key, { mode: 0o600 });
  }
  const configuration = `
daemon off;
master_process off;
worker_processes 1;
pid ${join(folder, "nginx.pid")};
error_log ${join(folder, "error.log")};
events { worker_connections 64; }
http {
  access_log off;
  ${bodies.join("\n  ")}
  server {
    listen 127.0.0.1:${port}${https === undefined ? "" : " ssl"};
    ${https === undefined ? "" : `ssl_certificate ${certificate}; ssl_certificate_key ${key};`}
    ${locations}
  }
}
`;
  const file = join(folder, "nginx.conf");
  await writeFile(file, configuration);
  const child = spawn(program, ["-p", folder, "-c", file, "-e", join(folder, "error.log")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk) => {
    log += String(chunk);
  });
  const killWithParent = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithParent);
  const stop = async (): Promise<void> => {
    process.off("exit", killWithParent);
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    await rm(folder, { recursive: true, force: true });
  };
  while (!(await listens(port))) {
    if (child.exitCode !== null) {
      await stop();
      throw new Error(`nginx did not start:\n${log}`);
    }
  }
  return { [Symbol.asyncDispose]: stop };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => setTimeout(() => resolve(false), 20));
  });
}
