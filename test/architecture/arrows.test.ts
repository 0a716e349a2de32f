import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { expect, it } from "vitest";

/**
 * The rooms of the house, floor by floor from the top. A file may import from its own room and from floors below its
 * own; rooms that share a floor do not know each other. A room is named by the longest path that fits a file.
 */
const floors = [
  ["cli"],
  ["integrations"],
  ["provider/pangea-oauth-provider.ts"],
  ["provider/mcp-oauth-provider.ts"],
  ["provider/assemble.ts", "provider/diagnosis"],
  ["provider/http"],
  ["provider/login", "provider/tokens"],
  ["provider/grants"],
  ["provider/clients", "provider/keys"],
  ["provider/client-documents"],
  ["provider/configuration"],
  ["provider/upstream"],
  ["provider/oauth"],
  ["provider/reporting"],
  ["provider/oauth-failure.ts"],
  ["provider/events.ts"],
  ["records"],
  ["storage"],
  ["secrets"],
  // The emulator is a house of its own with a cellar in common: checks of options, and errors. Only the CLI knows it.
  ["emulator/pangea-emulator.ts"],
  ["emulator/authn", "emulator/vault", "emulator/browser"],
  ["emulator/faults"],
  ["emulator/http"],
  ["emulator"],
  ["option-checks.ts", "optional-package.ts"],
  ["errors.ts", "documentation.ts", "environment-text.ts"],
];
const isEmulator = (room: string) => room.split("/")[0] === "emulator";

const root = new URL("../../src/", import.meta.url);
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"));
const rooms = floors.flat().sort((one, other) => other.length - one.length);
const roomOf = (file: string) => rooms.find((room) => file === room || file.startsWith(`${room}/`));
const floorOf = (room: string) => floors.findIndex((floor) => floor.includes(room));

function importsOf(file: string): string[] {
  const specifiers = readFileSync(new URL(file, root), "utf8").matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]*)"/g);
  return [...specifiers].map(([, specifier = ""]) => posix.join(posix.dirname(file), specifier));
}

/** What is wrong with one import, in a sentence; undefined where the arrow runs down. */
function complaint(file: string, imported: string): string | undefined {
  const [from, to] = [roomOf(file), roomOf(imported)];
  if (to === undefined) return `${file} imports ${imported}, which is an entry: import the file that has the name.`;
  if (from === undefined || from === to) return undefined;
  const isTrespass = isEmulator(to) && !isEmulator(from) && from !== "cli";
  const allowed = floorOf(from) < floorOf(to) && !isTrespass;
  return allowed ? undefined : `${file} imports ${imported}: no arrow runs from ${from} to ${to}.`;
}

it("every import runs down the house, from a room to one on a floor below", () => {
  const complaints = files.flatMap((file) => importsOf(file).flatMap((imported) => complaint(file, imported) ?? []));
  expect(complaints).toEqual([]);
});

it("every file has a room, and what the package exports are lists of names", () => {
  const entries = files.filter((file) => roomOf(file) === undefined);
  expect(entries.filter((file) => file.includes("/"))).toEqual([]);
  const notNames = entries.filter(
    (file) =>
      readFileSync(new URL(file, root), "utf8")
        .replaceAll(/export (?:type )?(?:\{[^}]*\}|\*) from "[^"]*";/g, "")
        .trim() !== "",
  );
  expect(notNames).toEqual([]);
});

it("the picture in ARCHITECTURE.md has every room, and its arrows run down", () => {
  const document = readFileSync(new URL("../ARCHITECTURE.md", root), "utf8");
  const picture = /```mermaid\n(.*?)```/s.exec(document)?.[1] ?? "";
  const names = new Map([...picture.matchAll(/(\w+)\["([^"]+)"\]/g)].map(([, id = "", room = ""]) => [id, room]));
  expect([...names.values()].sort()).toEqual([...rooms].sort());
  const drawn = [...picture.matchAll(/^ *(\w+)\S* --> (\w+)/gm)].map(([, from = "", to = ""]) => [from, to]);
  expect(drawn.length).toBeGreaterThanOrEqual(rooms.length - 1);
  const floorNamed = (id = "") => floorOf(names.get(id) ?? "");
  expect(drawn.filter(([from, to]) => floorNamed(from) >= floorNamed(to))).toEqual([]);
});
