#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ConfigurationError } from "../errors.ts";
import { type Command, type CommandLineValues, commands } from "./commands.ts";
import { findInvocation } from "./invocation.ts";
import { UsageError } from "./usage-error.ts";

async function main([name, ...words]: string[]): Promise<void> {
  const isAsked = (...options: string[]): boolean => [name, ...words].some((word) => options.includes(word ?? ""));
  if (name === undefined) throw new UsageError("Which command?");
  if (name === "help" || isAsked("--help", "-h")) return console.log(usage());
  if (name === "--version" || name === "-v") return console.log(version());
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    throw new UsageError(`There is no ${name.startsWith("-") ? "option" : "command"} "${name}".`);
  }
  const values = readOptions(name, command, words);
  requirePackages(name, command, words);
  await command.run(values, findInvocation());
}

function usage(): string {
  const lines = Object.entries(commands).flatMap(([name, { synopsis, summary }]) => [
    `\n  ${name} ${synopsis}`,
    ...summary.map((line) => `      ${line}`),
  ]);
  return `Usage: pangea-authn-fastmcp <command> [options]
${lines.join("\n")}

  --help, -h       this text
  --version, -v    the version of this package`;
}

function version(): string {
  const { version: text } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return String(text);
}

function readOptions(name: string, { options }: Command, words: string[]): CommandLineValues {
  try {
    const { values } = parseArgs({ args: words, options });
    return Object.fromEntries(
      Object.entries(values).filter((entry): entry is [string, string | boolean] => !Array.isArray(entry[1])),
    );
  } catch (failure) {
    const [complaint = ""] = failure instanceof Error ? failure.message.split("\n") : [];
    throw new UsageError(`${name}: ${complaint}`);
  }
}

/** @throws {ConfigurationError} when a package that the command needs is not installed. */
function requirePackages(name: string, { packages }: Command, words: string[]): void {
  const missing = Object.keys(packages).filter((one) => !isInstalled(packages[one] ?? one));
  if (missing.length === 0) return;
  const line = findInvocation().installation([name, ...words].join(" "), missing, Object.keys(packages));
  throw new ConfigurationError(`"${name}" needs what is not installed: ${missing.join(", ")}.\n\n  ${line}`);
}

function isInstalled(module: string): boolean {
  try {
    import.meta.resolve(module);
    return true;
  } catch {
    return false;
  }
}

try {
  await main(process.argv.slice(2));
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure);
  if (failure instanceof UsageError) console.error(`\n${usage()}`);
  process.exitCode = failure instanceof UsageError ? 2 : 1;
}
