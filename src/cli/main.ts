#!/usr/bin/env node
import { parseArgs } from "node:util";
import { ConfigurationError } from "../errors.ts";

const usage = `Usage: pangea-authn-fastmcp <command>

  demo [--serve] [--port N]   run a protected MCP server on an emulated Pangea, with a client that logs in
  emulator [--port N]         run the emulator of Pangea Vault and AuthN by itself
  doctor [--json] [--config FILE]
                              look whether a server's settings, its store and its
                              Pangea project fit; doctor --help names the variables

demo and emulator need no account. --port 0 takes any free port.`;

/** What a command needs and a server may do without. */
const optionalPackages: Readonly<Record<string, readonly string[]>> = {
  demo: ["@modelcontextprotocol/sdk", "oidc-provider", "pangea-node-sdk"],
  emulator: ["oidc-provider"],
  doctor: ["ioredis", "pangea-node-sdk"],
};

function readPort(text: string | undefined, fallback: number): number {
  const port = Number(text ?? fallback);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigurationError("--port must be a whole number from 0 to 65535.");
  }
  return port;
}

async function main(commandLine: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: commandLine,
    options: {
      serve: { type: "boolean" },
      port: { type: "string" },
      json: { type: "boolean" },
      config: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
    allowPositionals: true,
  });
  const [command] = positionals;
  if (command === "doctor") {
    const { doctorUsage, runDoctor } = await import("./doctor.ts");
    if (values.help === true) console.log(doctorUsage);
    else process.exitCode = await runDoctor(values);
  } else if (values.help === true) console.log(usage);
  else if (command === "demo") {
    const { runDemo } = await import("./demo/demo.ts");
    const serve = values.serve ?? false;
    await runDemo({ serve, port: readPort(values.port, serve ? 8000 : 0) });
  } else if (command === "emulator") {
    const { runEmulator } = await import("./run-emulator.ts");
    await runEmulator(readPort(values.port, 4000));
  } else {
    throw new ConfigurationError(command === undefined ? usage : `There is no command "${command}".\n\n${usage}`);
  }
}

function explain(failure: unknown, command: string | undefined): unknown {
  if (!(failure instanceof Error)) return failure;
  const packages = optionalPackages[command ?? ""];
  const isMissing = "code" in failure && failure.code === "ERR_MODULE_NOT_FOUND";
  if (!isMissing || packages === undefined) return failure.message;
  return `A package is missing. Install what "${command}" needs: npm install ${packages.join(" ")}`;
}

const [command] = process.argv.slice(2);
try {
  await main(process.argv.slice(2));
} catch (failure) {
  console.error(explain(failure, command));
  process.exitCode = 1;
}
