import type { ParseArgsConfig } from "node:util";
import { doctorCommand } from "./doctor-command.ts";
import { grantsCommand } from "./grants/command.ts";
import type { Invocation } from "./invocation.ts";
import { migrateCommand } from "./migrate/command.ts";
import { UsageError } from "./usage-error.ts";

/** What was written behind a command. */
export type CommandLineValues = Readonly<Record<string, string | boolean | undefined>>;

/** A command of this program. */
export interface Command {
  /** Its options as the help shows them. */
  readonly synopsis: string;
  /** What it does, a line each. */
  readonly summary: readonly string[];
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** Optional packages that it needs, by a module of each. */
  readonly packages: Readonly<Record<string, string>>;
  /** Whether words without a dash may stand behind it. Default: false. */
  readonly takesWords?: boolean;
  /**
   * Complains of values that cannot be right, before anything is asked for or begun.
   *
   * @throws {UsageError} when a value is wrong.
   */
  check?(values: CommandLineValues, words: readonly string[]): void;
  run(values: CommandLineValues, invocation: Invocation, words: readonly string[]): Promise<void>;
}

const demoPort = 8000;
const emulatorPort = 4000;

/** Every command, by its name. */
export const commands: Readonly<Record<string, Command>> = {
  demo: {
    synopsis: "[--serve [--state FILE]] [--port N]",
    summary: [
      "run a protected MCP server on an emulated Pangea, and log in",
      `--serve  leave it up for your browser or MCP client (port ${demoPort})`,
      "--state  with --serve: keep its state in a SQLite file, over a restart",
      "--port   another port than any free one; 0 takes any free one",
    ],
    options: { serve: { type: "boolean" }, state: { type: "string" }, port: { type: "string" } },
    packages: {
      "@modelcontextprotocol/sdk": "@modelcontextprotocol/sdk/client/index.js",
      "oidc-provider": "oidc-provider",
      "pangea-node-sdk": "pangea-node-sdk",
    },
    check({ port, state, serve }) {
      readPort(port, 0);
      if (state !== undefined && serve !== true) throw new UsageError("--state needs --serve.");
    },
    async run(values, invocation) {
      const serve = values.serve === true;
      const port = readPort(values.port, serve ? demoPort : 0);
      const { state } = values;
      const { runDemo } = await import("./demo/demo.ts");
      const serveLine = invocation.line("demo --serve", Object.keys(this.packages));
      await runDemo({ serve, port, serveLine, ...(typeof state === "string" && { state }) });
    },
  },
  emulator: {
    synopsis: "[--port N]",
    summary: [
      "run the emulator of Pangea Vault and AuthN by itself",
      `--port   another port than ${emulatorPort}; 0 takes any free one`,
    ],
    options: { port: { type: "string" } },
    packages: { "oidc-provider": "oidc-provider" },
    check: ({ port }) => void readPort(port, emulatorPort),
    async run(values) {
      const port = readPort(values.port, emulatorPort);
      const { runEmulator } = await import("./run-emulator.ts");
      await runEmulator(port);
    },
  },
  doctor: doctorCommand,
  migrate: migrateCommand,
  grants: grantsCommand,
};

function readPort(text: string | boolean | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const port = Number(text);
  if (!/^\d+$/.test(String(text)) || port > 65_535) {
    throw new UsageError("--port must be a whole number from 0 to 65535.");
  }
  return port;
}
