import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify, stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { commands } from "../../src/cli/commands.ts";
import { freePort } from "../support/free-port.ts";
import { sqliteDirectory } from "../support/sqlite-subject.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const run = promisify(execFile);

/** Starts a command that stays up; resolves with what it printed once that contains the text. */
async function startUntil(text: string, commandLine: string[]) {
  const child = spawn(process.execPath, [main, ...commandLine], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  for await (const chunk of child.stdout) {
    output += String(chunk);
    if (output.includes(text)) break;
  }
  return {
    output,
    async stop(): Promise<number | null> {
      child.kill("SIGINT");
      const [code] = await once(child, "exit");
      return code;
    },
  };
}

/** What a person reads on a terminal of 80 columns. */
const widest = (text: string) =>
  Math.max(
    ...stripVTControlCharacters(text)
      .split("\n")
      .map((line) => [...line].length),
  );

describe("the command line", () => {
  it("runs the demo to its end, with every step and no secret in sight", async () => {
    const { stdout, stderr } = await run(process.execPath, [main, "demo"]);
    expect(stderr).toBe("");
    for (const text of [
      "refused: 401",
      "You are ada@example.com",
      "authorization code sha256-",
      "Done",
      "npm run demo -- --serve",
    ]) {
      expect(stdout).toContain(text);
    }
    expect(stdout).not.toMatch(/pmcp_|ptu_|ptr_|pck_/);
    expect(widest(stdout)).toBeLessThanOrEqual(80);
  });

  it.each([[["--help"]], [["-h"]], [["help"]], [["help", "help"]], [["--help", "-h"]]])(
    "%j names every command in 80 columns",
    async (words) => {
      const { stdout, stderr } = await run(process.execPath, [main, ...words]);
      expect(stderr).toBe("");
      expect(widest(stdout)).toBeLessThanOrEqual(80);
      for (const said of [...Object.keys(commands), "--version"]) expect(stdout).toContain(said);
      expect(stdout.split("\n").length).toBeLessThanOrEqual(24);
    },
  );

  it.each(Object.entries(commands))("explains %s by itself in 80 columns", async (name, { options }) => {
    const asked = await Promise.all(
      [
        [name, "--help"],
        [name, "-h"],
        ["help", name],
        ["--help", name],
        ["-h", name],
      ].map((words) => run(process.execPath, [main, ...words])),
    );
    expect(new Set(asked.map(({ stdout }) => stdout)).size).toBe(1);
    const [{ stdout } = { stdout: "" }] = asked;
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    for (const option of Object.keys(options)) expect(stdout).toContain(`--${option}`);
    expect(stdout).not.toContain(name === "demo" ? "emulator by itself" : "log in");
  });

  it("ends without a stack where nobody reads on, as of any program of a pipe", async () => {
    const child = spawn(process.execPath, [main, "help"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let stderr = "";
    child.stderr.on("data", (chunk) => (stderr += String(chunk)));
    const [code] = await once(child, "close");
    expect({ code, stderr }).toEqual({ code: 141, stderr: "" });
  });

  it.each(["--version", "-v"])("%s prints the version of the package", async (option) => {
    const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
    const { stdout } = await run(process.execPath, [main, option]);
    expect(stdout).toBe(`${version}\n`);
  });

  it.each([["demo"], ["demo", "--serve"], ["emulator"]])("%s %s tells of a port that is taken", async (...words) => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    try {
      const { port } = z.object({ port: z.number() }).parse(other.address());
      const failure = run(process.execPath, [
        main,
        ...words.filter((word) => word !== undefined),
        "--port",
        String(port),
      ]);
      const stderr = expect.stringMatching(new RegExp(`cannot listen on .*port ${port}[^]*0 for a free one`));
      await expect(failure).rejects.toMatchObject({ code: 1, stderr });
      await expect(failure).rejects.toMatchObject({ stderr: expect.not.stringContaining("    at ") });
    } finally {
      other.close();
    }
  });

  it.each([
    ["demo", "npm install @modelcontextprotocol/sdk oidc-provider pangea-node-sdk"],
    ["emulator", "npm install oidc-provider"],
  ])("says what to do where a package that %s needs is missing, once its options are right", async (command, line) => {
    const folder = await mkdtemp(join(tmpdir(), "without-packages-"));
    try {
      await cp(fileURLToPath(new URL("../../src", import.meta.url)), join(folder, "src"), { recursive: true });
      await writeFile(join(folder, "package.json"), '{ "type": "module" }');
      const failure = run(process.execPath, [join(folder, "src/cli/main.ts"), command]);
      await expect(failure).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(line) });
      const wrong = run(process.execPath, [join(folder, "src/cli/main.ts"), command, "--port", "abc"]);
      await expect(wrong).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("--port must be") });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("leaves the demo's server up when asked", async () => {
    const demo = await startUntil("Still running", ["demo", "--serve", "--port", "0"]);
    const endpoint = /http:\/\/127\.0\.0\.1:\d+\/mcp/.exec(demo.output)?.[0] ?? "";
    const response = await fetch(endpoint, { method: "POST" });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("resource_metadata=");
    expect(await demo.stop()).toBe(0);
  });

  it("says what of the demo's server a browser can open, and the root of the server says it too", async () => {
    const demo = await startUntil("Ctrl-C ends", ["demo", "--serve", "--port", "0"]);
    const base = /(http:\/\/127\.0\.0\.1:\d+)\/account/.exec(demo.output)?.[1] ?? "";
    expect(demo.output).toContain(`${base}/mcp`);
    expect(widest(demo.output)).toBeLessThanOrEqual(80);
    const open = (path: string) => fetch(base + path, { headers: { accept: "text/html" } });
    const root = await open("/");
    const page = await root.text();
    expect(root.status).toBe(200);
    expect(root.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page).toContain(`${base}/mcp`);
    const links = [...page.matchAll(/href="([^"]+)"/g)].map(([, path = ""]) => path);
    expect(links).toContain("/account");
    for (const path of links) expect([path, (await open(path)).status]).toEqual([path, 200]);
    // Who is no browser is told what the server is, as everywhere.
    expect((await fetch(base, { method: "POST" })).status).toBe(401);
    expect((await open("/nonsense")).status).toBe(404);
    expect(await demo.stop()).toBe(0);
  });

  it("keeps the demo's state in a file when asked, so that it is there after a restart", async () => {
    using directory = await sqliteDirectory();
    const port = await freePort();
    const words = ["demo", "--serve", "--port", String(port), "--state", directory.file("state.db")];
    const base = `http://127.0.0.1:${port}`;
    const redirect_uri = "http://127.0.0.1:4999/callback";
    const first = await startUntil("Still running", words);
    const registration = await fetch(`${base}/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ redirect_uris: [redirect_uri], token_endpoint_auth_method: "none" }),
    });
    const { client_id } = z.object({ client_id: z.string() }).parse(await registration.json());
    expect(await first.stop()).toBe(0);
    const second = await startUntil("Still running", words);
    const query = {
      client_id,
      redirect_uri,
      response_type: "code",
      code_challenge: "c".repeat(43),
      code_challenge_method: "S256",
    };
    const page = (id: string) => fetch(`${base}/authorize?${new URLSearchParams({ ...query, client_id: id })}`);
    expect((await page(client_id)).status).toBe(200);
    expect((await page("0efa041a-d5e7-4729-941c-20232f560fbb")).status).not.toBe(200);
    expect(await second.stop()).toBe(0);
  });

  it("runs the emulator by itself and prints the settings for a server", async () => {
    const emulator = await startUntil("Ctrl-C", ["emulator", "--port", "0"]);
    const issuer = /PANGEA_AUTHN_ISSUER_URL=(\S+)/.exec(emulator.output)?.[1];
    const metadata = await fetch(`${issuer}/.well-known/oauth-authorization-server`);
    expect(metadata.status).toBe(200);
    expect(await emulator.stop()).toBe(0);
  });

  it.each([
    [[], "Which command?"],
    [["dance"], 'There is no command "dance".'],
    [["constructor"], 'There is no command "constructor".'],
    [["--dance"], 'There is no option "--dance".'],
    [["demo", "--dance"], "demo: Unknown option '--dance'"],
    [["help", "dance"], 'There is no command "dance".'],
    [["--help", "dance"], 'There is no command "dance".'],
    [["doctro"], 'Did you mean "doctor"?'],
    [["demo", "--srve"], 'Did you mean "--serve"?'],
    [["demo", "--port=1", "--port=2"], "--port is given twice"],
    [["grants", "lst"], '"lst" is no action of grants: there are list, show, revoke. Did you mean "list"?'],
    [["demo", "--state", "file"], "--state needs --serve"],
    [["demo", "dance"], "demo: Unexpected argument 'dance'"],
    [["demo", "--port"], "demo: Option '--port <value>' argument missing"],
    [["emulator", "--serve"], "emulator: Unknown option '--serve'"],
    ...["many", "", " ", "-1", "65536", "8e3", "0x50", "80.5"].map((port): [string[], string] => [
      ["demo", `--port=${port}`],
      "--port must be a whole number",
    ]),
  ])("%j is told what is wrong and how it is used, with the exit code 2", async (commandLine, message) => {
    const failure = run(process.execPath, [main, ...commandLine]);
    await expect(failure).rejects.toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
    await expect(failure).rejects.toMatchObject({ stderr: expect.stringContaining("Usage: pangea-authn-fastmcp") });
    const { stderr } = z.object({ stderr: z.string() }).parse(await failure.catch((error: unknown) => error));
    expect(stderr.split("\n").length, "lines that a person has to read").toBeLessThanOrEqual(16);
  });
});
