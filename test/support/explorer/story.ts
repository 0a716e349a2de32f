import * as storageKeys from "../../../src/records/keys.ts";
import type { Exploration, Finding } from "./explore.ts";
import type { Login } from "./history.ts";
import { formatSchedule } from "./schedule.ts";
import type { World } from "./world.ts";

/** Tells what happened in a schedule, step by step, with a name for every token and key in place of itself. */
export async function tellStory(exploration: Exploration, finding: Finding): Promise<string> {
  const { world, flow } = exploration;
  const lines: { readonly task: number; readonly line: string }[] = [];
  world.tell = (task, line) => lines.push({ task, line });
  const again = await exploration.replay(finding.schedule, finding.without);
  world.tell = () => {};
  const same = again.find(({ invariant }) => invariant === finding.invariant);
  const names = namesOf(world);
  const story: string[] = [
    `Flow: ${flow.name}. Schedule: ${formatSchedule(finding.schedule) || "one task after the other"}.`,
    ...(finding.without.length > 0
      ? [`Without ${finding.without.map((task) => flow.tasks[task]?.name).join(", ")}.`]
      : []),
  ];
  let speaker: number | undefined;
  for (const { task, line } of lines) {
    if (task !== speaker) story.push(task < 0 ? "" : `${flow.tasks[task]?.name}:`);
    speaker = task;
    story.push(`  ${withNames(line, names)}`);
  }
  const broken = same ?? finding;
  if (broken.invariant === "") story.push("", "Nothing is broken.");
  else story.push("", `Broken: ${broken.invariant}. ${withNames(broken.complaint, names)}.`);
  if (same === undefined && broken.invariant !== "")
    story.push("It did not break again: something outside the schedule decides.");
  return story.filter((line, index) => line !== "" || story[index - 1] !== "").join("\n");
}

/** Puts names in place of what stands in angle brackets. A key that has a name needs no kind before it. */
function withNames(line: string, names: Names): string {
  return line
    .replace(/^(.*: \w+) \w+ <([^>]+)>/, (all, before: string, text: string) =>
      names.isTold(text) ? `${before} <${text}>` : all,
    )
    .replaceAll(/<([^>]+)>/g, (_, text: string) => names.of(text));
}

/** The record of an access token has the access token's name; the mark that it is spent is called so. */
function nameOfKey(purpose: string, name: string): string {
  if (name.startsWith(purpose)) return name;
  return purpose === "grant" ? "grant" : `${purpose} (${name})`;
}

/** Gives every code, token and storage key a name; what is not known is numbered as it comes. */
class Names {
  readonly #names = new Map<string, string>();
  #unknown = 0;

  add(text: string, name: string): void {
    if (!this.#names.has(text)) this.#names.set(text, name);
  }

  has(text: string): boolean {
    return this.#names.has(text);
  }

  /** True for a text with a name that says what it is, where others have a number. */
  isTold(text: string): boolean {
    return this.#names.get(text)?.startsWith("key ") === false;
  }

  of(text: string): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    if (!/^sha256-|^pmcp_/.test(text)) return text;
    this.#unknown += 1;
    const name = `key ${this.#unknown}`;
    this.#names.set(text, name);
    return name;
  }

  /** Everything that has a name so far. */
  all(): readonly (readonly [text: string, name: string])[] {
    return [...this.#names];
  }
}

function namesOf(world: World): Names {
  const names = new Names();
  for (const login of world.logins) nameTokens(world, login, names);
  // A storage key is what a function of `records/keys.ts` makes of a secret or of another key: two rounds find them all.
  for (let round = 0; round < 2; round += 1) {
    for (const [text, name] of names.all()) {
      for (const [purpose, key] of Object.entries<unknown>(storageKeys)) {
        if (typeof key !== "function" || key.length !== 1) continue;
        const made: unknown = key(text);
        if (typeof made === "string" && made !== text) names.add(made, nameOfKey(inWords(purpose), name));
      }
    }
  }
  return names;
}

function nameTokens(world: World, login: Login, names: Names): void {
  const whose = world.logins.length > 1 ? ` of login ${login.name}` : "";
  names.add(login.code, `authorization code${whose}`);
  let count = 0;
  for (const { logins, answer } of world.calls) {
    if (!logins.includes(login.name) || answer.kind !== "tokens" || names.has(answer.accessToken)) continue;
    names.add(answer.accessToken, `access token ${count}${whose}`);
    names.add(answer.refreshToken, `refresh token ${count}${whose}`);
    count += 1;
  }
}

/** `revokedGrantKey` as `revoked grant`, `grantIdOfCode` as `grant`. */
function inWords(name: string): string {
  return name.replace(/(?:Key|IdOfCode)$/, "").replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
