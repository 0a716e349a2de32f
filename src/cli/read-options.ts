import { parseArgs } from "node:util";
import type { Command, CommandLineValues } from "./commands.ts";
import { meantAmong } from "./meant-among.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Reads what was typed behind a command: its options, and the words that are none.
 *
 * @throws {UsageError} when an option is unknown, is given twice, or lacks its value.
 */
export function readOptions(
  name: string,
  { options, takesWords = false }: Command,
  words: readonly string[],
): { readonly values: CommandLineValues; readonly positionals: readonly string[] } {
  try {
    const { values, positionals, tokens } = parseArgs({
      args: [...words],
      options,
      allowPositionals: takesWords,
      tokens: true,
    });
    const written = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
    const twice = written.find((option, index) => written.indexOf(option) < index);
    if (twice !== undefined) throw new UsageError(`${name}: --${twice} is given twice: give it once.`);
    const single = Object.entries(values).filter(
      (entry): entry is [string, string | boolean] => !Array.isArray(entry[1]),
    );
    return { values: Object.fromEntries(single), positionals };
  } catch (failure) {
    if (failure instanceof UsageError) throw failure;
    const [complaint = ""] = failure instanceof Error ? failure.message.split("\n") : [];
    const unknown = /^Unknown option '(--?([^']*))'/.exec(complaint);
    if (unknown === null) throw new UsageError(`${name}: ${complaint}`);
    const [, option, letters = ""] = unknown;
    throw new UsageError(`${name}: Unknown option '${option}'.${meantAmong(letters, Object.keys(options), "--")}`);
  }
}
