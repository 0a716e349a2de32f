import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defaultEmulatorClientId, defaultEmulatorClientSecret } from "../../src/emulator.ts";
import { compiler } from "../support/compiler.ts";
import { startPostgresServer } from "../support/postgres-server.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { afterwards, suppliedNames, withEmulator } from "./block-surroundings.ts";
import { type CodeBlock, codeBlocksOf, documents } from "./code-blocks.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const blocks = documents.flatMap(codeBlocksOf);
const isFragment = ({ words }: CodeBlock): boolean => words.includes("fragment");
const typescript = blocks.filter(({ language }) => ["ts", "typescript", "js", "javascript", "tsx"].includes(language));
const programs = typescript.filter((block) => !isFragment(block));
const titled = (some: readonly CodeBlock[]) => some.map((block) => [`${block.document}:${block.line}`, block] as const);

/** In the root of this project, so that the blocks find this package by its name; with a dot, so that no other tool sees it. */
const folder = mkdtempSync(join(root, ".blocks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
// A package that the tests have and a clone does not: the reader of the block installs it.
mkdirSync(join(folder, "node_modules"));
symlinkSync(join(root, "test/node_modules/redis"), join(folder, "node_modules/redis"), "junction");

const fileNamed = ({ words }: CodeBlock): string | undefined =>
  words.find((word) => word.startsWith("file="))?.slice("file=".length);

/** Where a block is written: the blocks of one document share a folder, so that one can import another. */
function pathOf(block: CodeBlock): string {
  return join(folder, block.document.replaceAll(/\W/g, "-"), fileNamed(block) ?? `line-${block.line}.ts`);
}

/** The block as a program: before it what its reader has, behind it what shows that it did what it says. */
function programOf({ code }: CodeBlock): string {
  const uses = (text: string, name: string) => new RegExp(`(?<![.\\w])${name}\\b(?!:)`).test(text);
  const declares = (name: string) =>
    new RegExp(`\\b(?:const|let|function|class|using)\\s+${name}\\b|\\{[^}]*\\b${name}\\b[^}]*\\} (?:=|from)`).test(
      code,
    );
  const supplied = Object.entries(suppliedNames).filter(([name]) => uses(code, name) && !declares(name));
  const behind = afterwards.filter(([says]) => says.test(code)).map(([, text]) => text);
  return [...supplied.map(([, text]) => text), withEmulator(code), ...behind, "export {};\n"].join("\n");
}

for (const block of programs) {
  mkdirSync(join(pathOf(block), ".."), { recursive: true });
  writeFileSync(pathOf(block), programOf(block));
}

it("counts the blocks that cannot run", () => {
  const counted = new Map<string, number>();
  for (const block of blocks.filter((one) => isFragment(one) || !typescript.includes(one))) {
    const kind = [block.language, ...block.words].join(" ");
    counted.set(kind, (counted.get(kind) ?? 0) + 1);
  }
  const fragments = [...counted].filter(([kind]) => kind.endsWith(" fragment"));
  expect(fragments).toEqual([["ts fragment", 3]]);
  // What is no TypeScript: commands, records, pictures, a difference. Another language needs a check of its own.
  const others = [...counted.keys()].filter((kind) => !kind.endsWith(" fragment"));
  expect(others.sort()).toEqual(["json", "mermaid", "sh", "text"]);
});

it("finds the blocks of every document", () => {
  expect(programs.length).toBeGreaterThan(12);
  for (const document of ["README.md", "docs/backends.md", "docs/repositories.md"]) {
    expect(programs.some((block) => block.document === document)).toBe(true);
  }
});

it.each(afterwards)("%s is in one of the documents", (says) => {
  expect(programs.filter(({ code }) => says.test(code)).length).toBeGreaterThan(0);
});

it("compiles every block under strict", () => {
  const files = programs.map(pathOf);
  const compilerOptions = { noEmit: true, noUnusedLocals: false, noUnusedParameters: false };
  const settings = { extends: join(root, "tsconfig.json"), compilerOptions, include: [], files };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
  let said = "";
  try {
    execFileSync(process.execPath, [compiler, "-p", folder], { cwd: root, encoding: "utf8", stdio: "pipe" });
  } catch (failure) {
    said = z.object({ stdout: z.string() }).parse(failure).stdout;
  }
  expect(said).toBe("");
}, 120_000);

describe("each block runs", () => {
  const emulator = useEmulator();
  /** The variables that the reader of a block has set. */
  const environment = () => ({
    ...process.env,
    PANGEA_AUTHN_ISSUER_URL: emulator.issuerUrl,
    PANGEA_AUTHN_CLIENT_ID: defaultEmulatorClientId,
    PANGEA_AUTHN_CLIENT_SECRET: defaultEmulatorClientSecret,
    PANGEA_BASE_URL_TEMPLATE: emulator.baseUrlTemplate,
    PANGEA_VAULT_TOKEN: "pts_docs",
    OIDC_CLIENT_SECRET: "a client secret that is long enough",
    GITHUB_CLIENT_SECRET: "a client secret that is long enough",
    GOOGLE_CLIENT_SECRET: "a client secret that is long enough",
    ENTRA_CLIENT_SECRET: "a client secret that is long enough",
    STORAGE_SECRET: "a storage secret that is long enough",
    MCP_SECRET: "a secret of the server that is long enough",
  });

  // The blocks of own-backend.md are one program with processes of its own: own-backend.test.ts runs it.
  it.each(titled(programs.filter(({ document }) => document !== "docs/own-backend.md")))(
    "%s",
    async (_, block) => {
      const path = pathOf(block);
      await using redis = /ioredis|REDIS_URL/.test(block.code) ? await startRedisServer() : undefined;
      await using postgres = block.code.includes("DATABASE_URL") ? await startPostgresServer() : undefined;
      const env = {
        ...environment(),
        ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
        ...(postgres === undefined ? {} : { DATABASE_URL: postgres.url }),
      };
      const options = { env, cwd: join(path, ".."), timeout: 60_000 };
      // Rejects where the block ends with another code than 0.
      const { stderr } = await run(process.execPath, ["--conditions=pangea-authn-fastmcp-source", path], options);
      // The block on stores without conditional writes says that it warns, and so does a server in memory.
      expect(
        stderr.replaceAll(
          /^\(node:\d+\) \[PANGEA_IN_ONE_PROCESS\].*\n|^pangea-authn-fastmcp: \S+ keeps its logins[\s\S]*?\}\n|^pangea-authn-fastmcp: \S+ keeps its logins.*\n|^\(node:\d+\) ExperimentalWarning: SQLite.*\n|^\(Use `node.*\n/gm,
          "",
        ),
      ).toBe("");
    },
    90_000,
  );

  it("doctor takes the provider that the README makes", async () => {
    const [block] = programs.filter((each) => each.document === "README.md" && fileNamed(each) === "provider.ts");
    const path = block === undefined ? "none" : pathOf(block);
    const main = join(root, "src/cli/main.ts");
    const flags = ["--conditions=pangea-authn-fastmcp-source", main, "doctor", "--json", "--config", path];
    const options = { env: environment(), cwd: join(path, ".."), timeout: 60_000 };
    // It finds that the address of the example is nobody's, and so it ends with a code of its own.
    const { stdout } = await run(process.execPath, flags, options).catch((failure) => failure);
    const report = z.object({ findings: z.array(z.object({ check: z.string(), status: z.string() })) });
    const { findings } = report.parse(JSON.parse(String(stdout)));
    expect(findings.filter(({ check }) => check === "configuration")).toEqual([]);
    expect(findings).toEqual(
      expect.arrayContaining([
        { check: "upstream-issuer", status: "ok" },
        { check: "store", status: "ok" },
      ]),
    );
  }, 90_000);
});
