import { describe, expect, it } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { readOptions } from "../../src/cli/read-options.ts";
import { UsageError } from "../../src/cli/usage-error.ts";

/** Every option of every command, as it is written with a value or without. */
const everyOption = Object.entries(commands).flatMap(([name, command]) =>
  Object.entries(command.options).map(([option, { type }]) => ({
    name,
    option,
    command,
    word: (value: string) => (type === "boolean" ? `--${option}` : `--${option}=${value}`),
  })),
);

describe("what is typed behind a command", () => {
  it.each(everyOption)("$name takes --$option once, and not twice", ({ name, option, command, word }) => {
    expect(readOptions(name, command, [word("a")]).values).toHaveProperty([option]);
    const twice = () => readOptions(name, command, [word("a"), word("b")]);
    expect(twice).toThrow(UsageError);
    expect(twice).toThrow(`--${option}`);
  });

  it.each(everyOption)("$name asks whether --$option was meant by what is nearly that", ({ name, option, command }) => {
    const letters = option.length > 3 ? option.slice(0, -1) : `${option}x`;
    expect(() => readOptions(name, command, [`--${letters}`])).toThrow(`"--${option}"`);
  });

  it("leaves words to a command that takes some", () => {
    const { positionals } = readOptions("grants", commands.grants ?? expect.fail(), ["show", "sha256-a", "--json"]);
    expect(positionals).toEqual(["show", "sha256-a"]);
  });
});
