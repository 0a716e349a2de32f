#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { ConfigurationError } from "../errors.ts";
import { type Command, commands } from "./commands.ts";
import { findInvocation } from "./invocation.ts";
import { meantAmong } from "./meant-among.ts";
import { readOptions } from "./read-options.ts";
import { UsageError } from "./usage-error.ts";

const program = "pangea-authn-fastmcp";

/** The exit code that a shell gives a program whose output nobody reads any more: 128 and the number of SIGPIPE. */
const brokenPipe = 141;

async function main([name, ...words]: string[]): Promise<void> {
  if (name === undefined) throw new UsageError("Which command?");
  if (isHelp(name)) return console.log(words[0] === undefined || isHelp(words[0]) ? usage() : usageOf(words[0]));
  if (name === "--version" || name === "-v") return console.log(version());
  const command = findCommand(name);
  if (words.some((word) => word !== "help" && isHelp(word))) return console.log(usageOf(name));
  const { values, positionals } = readOptions(name, command, words);
  command.check?.(values, positionals);
  requirePackages(name, command, words);
  await command.run(values, findInvocation(), positionals);
}

function isHelp(word: string): boolean {
  return word === "help" || word === "--help" || word === "-h";
}

/** @throws {UsageError} when there is no such command. */
function findCommand(name: string): Command {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command;
  const kind = name.startsWith("-") ? "option" : "command";
  throw new UsageError(`There is no ${kind} "${name}".${meantAmong(name, [...Object.keys(commands), "help"])}`);
}

/** What every command is for. */
function usage(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary[0]}`);
  return `Usage: ${program} <command> [options]

${lines.join("\n")}

  help <command>, or <command> --help   its options
  --version, -v                         the version of this package`;
}

/** The options of one command, and what each is for. */
function usageOf(name: string): string {
  const { synopsis, summary } = findCommand(name);
  return `${useOf(name, synopsis)}\n\n${summary.map((line) => `  ${line}`).join("\n")}`;
}

/** How a command is typed, in two lines where one would be wider than a terminal. */
function useOf(name: string, synopsis: string): string {
  const line = `Usage: ${program} ${name} ${synopsis}`;
  return line.length <= 80 ? line : `Usage: ${program} ${name}\n  ${synopsis}`;
}

/** What is printed below the complaint about a command line: how the command is used in one line, or which commands there are. */
function reminder([name = ""]: string[]): string {
  if (!Object.hasOwn(commands, name)) return usage();
  return `${useOf(name, findCommand(name).synopsis)}\n\n"${program} help ${name}" says what each option is for.`;
}

function version(): string {
  const { version: text } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return String(text);
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

// Whoever reads what is printed may stop reading, as `head` does. Nothing is left to print then; work is not cut off for
// want of somebody who reads its progress.
process.stdout.on("error", (failure: Error & { code?: string }) => {
  if (failure.code !== "EPIPE") throw failure;
  process.exit(brokenPipe);
});
process.stderr.on("error", (failure: Error & { code?: string }) => {
  if (failure.code !== "EPIPE") throw failure;
});

try {
  await main(process.argv.slice(2));
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure);
  if (failure instanceof UsageError) console.error(`\n${reminder(process.argv.slice(2))}`);
  process.exitCode = failure instanceof UsageError ? 2 : 1;
}
