#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ConfigurationError } from "../errors.ts";
import { type Command, type CommandLineValues, commands } from "./commands.ts";
import { findInvocation } from "./invocation.ts";
import { UsageError } from "./usage-error.ts";

const program = "pangea-authn-fastmcp";

async function main([name, ...words]: string[]): Promise<void> {
  if (name === undefined) throw new UsageError("Which command?");
  if (name === "--help" || name === "-h") return console.log(usage());
  if (name === "help") return console.log(words[0] === undefined ? usage() : usageOf(words[0]));
  if (name === "--version" || name === "-v") return console.log(version());
  const command = findCommand(name);
  if (words.some((word) => word === "--help" || word === "-h")) return console.log(usageOf(name));
  const { values, positionals } = readOptions(name, command, words);
  command.check?.(values, positionals);
  requirePackages(name, command, words);
  await command.run(values, findInvocation(), positionals);
}

/** @throws {UsageError} when there is no such command. */
function findCommand(name: string): Command {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command;
  throw new UsageError(`There is no ${name.startsWith("-") ? "option" : "command"} "${name}".`);
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

/** What was typed behind a command: its options, and the words that are none. */
function readOptions(
  name: string,
  { options, takesWords = false }: Command,
  words: string[],
): { readonly values: CommandLineValues; readonly positionals: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: takesWords });
    const single = Object.entries(values).filter(
      (entry): entry is [string, string | boolean] => !Array.isArray(entry[1]),
    );
    return { values: Object.fromEntries(single), positionals };
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
  if (failure instanceof UsageError) console.error(`\n${reminder(process.argv.slice(2))}`);
  process.exitCode = failure instanceof UsageError ? 2 : 1;
}
