import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { rendered } from "../../src/cli/doctor.ts";
import { createSqliteRepositories } from "../../src/sqlite.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { setUp } from "../support/set-up.ts";
import { sqliteDirectory } from "../support/sqlite-subject.ts";
import { useEmulator } from "../support/use-emulator.ts";

const clientId = "psa_emulatoremulatoremulatoremulator";
const clientSecret = "pck_emulatoremulatoremulatoremulator";
const baseUrl = "http://localhost:9";
const emulator = useEmulator({
  oauthClients: [{ clientId, clientSecret, redirectUris: [`${baseUrl}/pangea/callback`], scopes: ["user"] }],
});
let redis: RedisServer;
setUp("file", async (parts) => {
  redis = parts.use(await startRedisServer(["--requirepass", "right"]));
});

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Runs the command as a person would; the settings are those of a server that fits, but for what the test changes. */
function doctor(changes: Record<string, string | undefined> = {}, flags: readonly string[] = ["--json"]) {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const settings: Record<string, string | undefined> = {
    PATH,
    NODE_COMPILE_CACHE,
    MCP_BASE_URL: baseUrl,
    PANGEA_AUTHN_ISSUER_URL: emulator.issuerUrl,
    PANGEA_AUTHN_CLIENT_ID: clientId,
    PANGEA_AUTHN_CLIENT_SECRET: clientSecret,
    ...changes,
  };
  const env = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [main, "doctor", ...flags], { env }, (failure, stdout, stderr) => {
      resolve({ code: failure === null ? 0 : Number(failure.code), stdout, stderr });
    });
  });
}

const findingsOf = ({ stdout }: { stdout: string }): { check: string; status: string }[] => JSON.parse(stdout).findings;
const bad = (result: { stdout: string }) =>
  findingsOf(result)
    .filter(({ status }) => status === "error")
    .map(({ check }) => check);

describe("doctor", () => {
  it("finds nothing wrong with a server that fits, in Vault", async () => {
    const vault = { PANGEA_VAULT_TOKEN: "pts_demo", PANGEA_BASE_URL_TEMPLATE: emulator.baseUrlTemplate };
    const result = await doctor(vault);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    const ok = findingsOf(result).filter(({ status }) => status === "ok");
    expect(ok.map(({ check }) => check)).toEqual([
      "upstream-issuer",
      "upstream-clock",
      "upstream-client",
      "redirect-uri",
      "upstream-scopes",
      "store",
      "secrets",
      "https",
    ]);
  });

  it("tells of Redis what may lose records, and compares the clocks", async () => {
    const REDIS_URL = redis.url.replace("redis://", "redis://:right@");
    const found = findingsOf(await doctor({ REDIS_URL })).filter(({ check }) => check.startsWith("store"));
    expect(found.map(({ check, status }) => [check, status])).toEqual([
      ["store", "ok"],
      ["store-database", "ok"],
      ["store-eviction", "ok"],
      ["store-persistence", "warning"],
      ["store-clock", "ok"],
    ]);
  });

  it.each([
    ["a wrong secret", { PANGEA_AUTHN_CLIENT_SECRET: "pck_wrongwrongwrongwrongwrongwrongwron" }, "upstream-client"],
    ["a wrong client id", { PANGEA_AUTHN_CLIENT_ID: "psa_wrongwrongwrongwrongwrongwrongwron" }, "upstream-client"],
    ["a redirect URI that is not registered", { MCP_BASE_URL: "http://localhost:10" }, "redirect-uri"],
    ["a scope that is missing at Pangea", { PANGEA_AUTHN_SCOPES: "user admin" }, "upstream-scopes"],
    ["an issuer that does not answer", { PANGEA_AUTHN_ISSUER_URL: "http://127.0.0.1:1" }, "upstream-issuer"],
    ["a Redis that is down", { REDIS_URL: "redis://127.0.0.1:1" }, "store"],
    ["a secret that is too short", { MCP_SECRET: "short" }, "configuration"],
    ["an issuer with a path too many", { PANGEA_AUTHN_ISSUER_URL: "issuer/foo" }, "upstream-issuer"],
    ["http in production", { MCP_BASE_URL: "http://mcp.example.org" }, "configuration"],
    ["a variable that is missing", { MCP_BASE_URL: undefined }, "configuration"],
    ["two stores", { REDIS_URL: "redis://127.0.0.1:1", PANGEA_VAULT_TOKEN: "pts_demo" }, "configuration"],
  ])("finds %s", async (_, given, check) => {
    const { PANGEA_AUTHN_ISSUER_URL: issuer }: Readonly<Record<string, string | undefined>> = given;
    const changes = {
      ...given,
      ...(issuer === "issuer/foo" && { PANGEA_AUTHN_ISSUER_URL: `${emulator.issuerUrl}/foo` }),
    };
    const result = await doctor(changes);
    expect(result).toMatchObject({ code: 1, stderr: "" });
    expect(bad(result)).toEqual([check]);
    for (const secret of ["pck_", "pts_", "short"])
      expect(result.stdout.replaceAll("short time", "")).not.toContain(secret);
  });

  it("finds a wrong password of Redis, and shows none", async () => {
    const result = await doctor({ REDIS_URL: redis.url.replace("redis://", "redis://:canary@") });
    expect(bad(result)).toEqual(["store"]);
    expect(result.stdout).toContain("WRONGPASS");
    expect(result.stdout).not.toContain("canary");
  });

  it("looks at the provider that a file exports", async () => {
    const folder = await mkdtemp(join(tmpdir(), "doctor-"));
    try {
      const findings = [{ check: "store", status: "ok", what: "It is there." }];
      const provider = `{ check: async () => (${JSON.stringify({ status: "ok", findings })}) }`;
      for (const [name, text] of [
        ["named", `export const provider = ${provider};`],
        ["default", `export default ${provider};`],
      ] as const) {
        const file = join(folder, `${name}.mjs`);
        await writeFile(file, text);
        expect(findingsOf(await doctor({}, ["--json", "--config", file]))).toEqual(findings);
      }
      const file = join(folder, "other.mjs");
      await writeFile(file, "export const server = {};");
      expect(bad(await doctor({}, ["--json", "--config", file]))).toEqual(["configuration"]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("looks at the store that is named, and says where none is", async () => {
    using directory = await sqliteDirectory();
    const file = directory.file();
    await createSqliteRepositories(file).close();
    const named = findingsOf(await doctor({}, ["--json", "--store", `sqlite:${file}`]));
    expect(named.filter(({ check }) => check.startsWith("store"))).toMatchObject([{ check: "store", status: "ok" }]);
    expect(named.map(({ check }) => check)).toContain("secrets");
    const none = findingsOf(await doctor());
    expect(none.filter(({ check }) => /^(?:store|secrets)/.test(check))).toMatchObject([
      { check: "store", status: "warning" },
    ]);
    expect(bad(await doctor({}, ["--json", "--store", `sqlite:${file}.not-there`]))).toEqual(["configuration"]);
    expect(bad(await doctor({}, ["--json", "--store", "postgres://someone:hush@127.0.0.1:1/a"]))).toEqual(["store"]);
    expect(await doctor({}, ["--config", "a.mjs", "--store", "redis:"])).toMatchObject({ code: 2 });
    expect(await doctor({}, ["--store", "redis://host/name"])).toMatchObject({ code: 2 });
  });

  it("tells of a database that Redis does not have", async () => {
    const REDIS_URL = redis.url.replace("redis://", "redis://:right@");
    expect(bad(await doctor({ REDIS_URL: `${REDIS_URL}/99` }))).toContain("store-database");
    expect(bad(await doctor({ REDIS_URL: `${REDIS_URL}/3` }))).toEqual([]);
  });

  it("prints what, why, what to do and where to read on, in lines that fit a terminal", async () => {
    const { stdout } = await doctor({ PANGEA_AUTHN_CLIENT_SECRET: "pck_wrongwrongwrongwrongwrongwrongwron" }, []);
    expect(stdout).toMatch(
      /^ERROR {4}\S.*\n(?: +\S.*\n)* {2}why {4}\S[\s\S]*? {2}do {5}\S[\s\S]*? {2}see {4}docs\/troubleshooting\.md#\S+$/m,
    );
    expect(stdout).toMatch(/\n\d+ errors?, \d+ warnings?\.\n$/);
    for (const line of stdout.split("\n")) if (!/https?:\/\//.test(line)) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("says so where everything fits", () => {
    expect(rendered({ status: "ok", findings: [] })).toBe("Everything fits.");
  });

  it("explains itself", async () => {
    const { stdout, code } = await doctor({}, ["--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("PANGEA_AUTHN_ISSUER_URL");
    expect(stdout.split("\n").length).toBeGreaterThan(10);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe("doctor --config", () => {
  const provider = 'export const provider = { check: async () => ({ status: "ok", findings: [] }) };';
  const listening = (port: number) =>
    `import { createServer } from "node:http"; ${provider} createServer().listen(${port}, "127.0.0.1");`;
  const looked = async (name: string, text: string, more: Record<string, string> = {}) => {
    const folder = await mkdtemp(join(tmpdir(), "doctor-config-"));
    try {
      for (const [other, content] of Object.entries({ ...more, [name]: text }))
        await writeFile(join(folder, other), content);
      return await doctor({}, ["--json", "--config", join(folder, name)]);
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  it.each([
    ["a connection", `import { connect } from "node:net"; connect(PORT, "127.0.0.1"); ${provider}`],
    ["a timer", `setInterval(() => {}, 1_000); ${provider}`],
  ])("ends once it has told its findings, whatever the file has opened: %s", async (_, text) => {
    const port = new URL(redis.url).port;
    const result = await looked("open.mjs", text.replace("PORT", port));
    expect([result.code, result.stderr, findingsOf(result)]).toEqual([0, "", []]);
  });

  it("tells of a file that listens, and of the port that the running server has", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    try {
      const address = other.address();
      const port = typeof address === "object" && address !== null ? address.port : expect.fail();
      const taken = await looked("server.mjs", listening(port));
      expect(findingsOf(taken)).toMatchObject([
        { check: "configuration", status: "error", what: expect.stringContaining("EADDRINUSE") },
      ]);
      const free = await looked("server.mjs", listening(0));
      expect(findingsOf(free)).toMatchObject([{ check: "configuration", status: "warning" }]);
      for (const { stdout } of [taken, free]) expect(stdout).toContain("provider.js");
    } finally {
      other.close();
    }
  });

  it("tells of what the file throws later as of the file's", async () => {
    const late = `${provider} setImmediate(() => { throw new TypeError("no"); }); await new Promise(setImmediate); Promise.reject(new Error("canary"));`;
    const result = await looked("late.mjs", late);
    expect(findingsOf(result).map(({ check, status }) => `${check} ${status}`)).toEqual(
      Array(2).fill("configuration error"),
    );
    expect(result.stdout).toContain("late.mjs:1");
    expect(result.stdout).not.toContain("canary");
  });

  it.each([
    ["a syntax error", "broken.mjs", "export const a = 1;\nconst b = a..;", "broken.mjs:2"],
    ["one of TypeScript", "broken.ts", "export const a: number = 1;\nconst b: = 2;", "broken.ts:2"],
    ["one of CommonJS", "broken.cjs", "const a = 1;\nconst {", "broken.cjs:2"],
    ["a syntax error in another file", "one.mjs", 'import "./two.mjs";', "one.mjs"],
    ["an export that is missing", "one.mjs", 'import { nothing } from "./three.mjs";', "one.mjs:1"],
    ["a file that is missing", "one.mjs", 'import "./none.mjs";', "none.mjs"],
    ["an error", "one.mjs", "const a = {};\n\na.b.c();", "one.mjs:3"],
    ["something that is no error", "one.mjs", 'throw "canary";', "one.mjs"],
    ["no provider", "one.mjs", "export const server = 1;", "one.mjs"],
  ])("names the file, and the line where there is one: %s", async (_, name, text, place) => {
    const result = await looked(name, text, { "two.mjs": "const b = ..;", "three.mjs": "export const a = 1;" });
    expect(result).toMatchObject({ code: 1, stderr: "" });
    expect(bad(result)).toEqual(["configuration"]);
    expect(result.stdout).toContain(place);
    expect(result.stdout).not.toContain("canary");
  });

  it.each(["no-such-file.js", "."])("says what is wrong with %s itself", async (config) => {
    const result = await doctor({}, ["--json", "--config", config]);
    expect(bad(result)).toEqual(["configuration"]);
    expect(result.stdout).toContain(config);
    expect(result.stdout).not.toContain("imported from");
  });
});
