import { execFile } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ConfigurationError, PangeaAuthnError } from "../errors.ts";
import type { McpOAuthProvider } from "../provider/mcp-oauth-provider.ts";
import { describeFailure } from "../provider/reporting/failure-description.ts";

/** What can be looked at. */
export type Checked = Pick<McpOAuthProvider, "check">;

/** What a file for `--config` has to be, and how it is made of a server in one file. */
export const moduleOfItsOwn =
  '--config takes a module of its own that makes the provider and exports it, as "provider" or as its default, and that does ' +
  "not listen: move that part of the server into provider.js, import it in the server, and give that.";

/**
 * Loads the provider that a file exports.
 *
 * @param config - The file.
 * @throws {ConfigurationError} when there is no such file, when it cannot be loaded, and when it exports no provider. The
 * message names the file, the line where that is known, and what to do.
 */
export async function exportedProvider(config: string): Promise<Checked> {
  const path = resolve(config);
  if (!existsSync(path)) throw new ConfigurationError(`There is no file ${config}. ${moduleOfItsOwn}`);
  if (!statSync(path).isFile()) throw new ConfigurationError(`${config} is no file. ${moduleOfItsOwn}`);
  let exports: Record<string, unknown>;
  try {
    exports = await import(pathToFileURL(path).href);
  } catch (failure) {
    // A provider that finds fault with its options says which.
    if (failure instanceof PangeaAuthnError) throw failure;
    throw new ConfigurationError(await complaintOf(failure, config), { cause: failure });
  }
  const { default: given, provider = given } = exports;
  if (isChecked(provider)) return provider;
  throw new ConfigurationError(`${config} exports no provider. ${moduleOfItsOwn}`);
}

function isChecked(value: unknown): value is Checked {
  return typeof value === "object" && value !== null && "check" in value && typeof value.check === "function";
}

/** What is told of an error that a file has thrown while it was loaded. */
async function complaintOf(failure: unknown, config: string): Promise<string> {
  if (isOf(failure, "ERR_UNKNOWN_FILE_EXTENSION")) {
    return `This Node.js (${process.version}) does not load ${config}: give the JavaScript that it is compiled to, or take a Node.js that reads TypeScript, 22.18 or later.`;
  }
  if (isOf(failure, "ERR_MODULE_NOT_FOUND")) {
    return `${config} cannot be loaded: ${failure.message.split("\n")[0]}. Install what is missing, or correct the path in that file.`;
  }
  if (!(failure instanceof SyntaxError)) {
    return `${toldOf(failure, config)} "node ${config}", with the variables that the server has, shows the whole of it.`;
  }
  const place = placeOf(failure) ?? (await placeOfSyntaxError(config));
  const where = place === undefined ? `${config}, or a file that it imports` : shown(place);
  return `${config} cannot be loaded. ${where}: ${failure.message.split("\n")[0]}. Mend that line; "node ${config}" shows it.`;
}

/**
 * What is told of an error that a file has thrown, now or later: what this process may say of a foreign error, and where it
 * comes from.
 */
export function toldOf(failure: unknown, config: string): string {
  const place = placeOf(failure);
  const { message } = describeFailure(failure);
  // What the language itself finds wrong quotes names of the program, and no values.
  const isOfLanguage = failure instanceof TypeError || failure instanceof ReferenceError;
  const what = isOfLanguage ? `${failure.name}: ${failure.message.split("\n")[0]}.` : message;
  return `${config} threw an error: ${what}${place === undefined ? "" : ` It comes from ${shown(place)}.`}`;
}

/** True for a port that is taken: most often by the server that is to be looked at. */
export function isPortTaken(failure: unknown): boolean {
  return isOf(failure, "EADDRINUSE");
}

function isOf(failure: unknown, code: string): failure is Error {
  return failure instanceof Error && "code" in failure && failure.code === code;
}

/** A line of a file. */
interface Place {
  readonly path: string;
  readonly line: string;
}

/** The line that an error's stack begins with, or else the first of its frames that is a line of the program. */
function placeOf(failure: unknown): Place | undefined {
  const stack = failure instanceof Error && typeof failure.stack === "string" ? failure.stack : "";
  const head = /^((?:file:\/\/)?[^\n()]*[/\\][^\n()]*):(\d+)\n/.exec(stack);
  const frames = [...stack.matchAll(/^ {4}at (?:.*\()?(file:\/\/[^\n()]*|\/[^\n()]*):(\d+):\d+\)?$/gm)];
  const frame = frames.find(([, path = ""]) => !path.includes("/node_modules/"));
  return placeIn(head ?? frame ?? undefined);
}

function placeIn(match: RegExpExecArray | undefined): Place | undefined {
  const [, path, line] = match ?? [];
  if (path === undefined || line === undefined) return undefined;
  return { path: path.startsWith("file:") ? fileURLToPath(path) : path, line };
}

/** Node.js tells the place of a syntax error in a module to the terminal alone. This reads the file, and runs nothing of it. */
function placeOfSyntaxError(config: string): Promise<Place | undefined> {
  return new Promise((resolved) => {
    execFile(process.execPath, ["--check", resolve(config)], { timeout: 10_000 }, (_failure, _output, errors) => {
      resolved(placeIn(/^((?:file:\/\/)?[^\n()]*[/\\][^\n()]*):(\d+)\r?\n/.exec(errors) ?? undefined));
    });
  });
}

/** A place as it is typed from where the command was started. */
function shown({ path, line }: Place): string {
  const near = relative(process.cwd(), path);
  return `${near.startsWith("..") ? path : near}:${line}`;
}
