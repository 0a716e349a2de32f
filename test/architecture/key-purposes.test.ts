import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

/** What keys are derived for, to seal texts: HMAC-SHA-512 makes the AES key of each message from them. */
const toSeal = [
  ...["account login", "account notice", "account session", "consent request", "login transaction"],
  ...["remembered consent", "sealed record", "upstream revocation"],
];
/** What keys are derived for, to authenticate texts by HMAC-SHA-256, or to follow from them. */
const toAuthenticate = ["client id", "credential mark", "index label", "… under credential"];
const toName = ["key id"];

const root = new URL("../../src/", import.meta.url);
const sources = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => readFileSync(new URL(file, root), "utf8").replaceAll(/\/\*\*.*?\*\//gs, ""));
const labelsAfter = (beginning: RegExp) => {
  const call = new RegExp(`${beginning.source}\\bderive\\(\\s*(?:"([^"]*)"|\`([^\`]*)\`)`, "gs");
  return sources.flatMap((source) =>
    [...source.matchAll(call)].map(([, text, template]) => text ?? template?.replaceAll(/\$\{\w+\}/g, "…") ?? ""),
  );
};

it("keys are derived for the purposes on record, each with a label in plain sight", () => {
  const labels = labelsAfter(/\./);
  expect([...new Set(labels)].sort()).toEqual([...toSeal, ...toAuthenticate, ...toName].sort());
  const calls = sources.flatMap((source) => [...source.matchAll(/\.derive\(/g)]);
  expect(labels).toHaveLength(calls.length);
});

it("a key that seals does nothing else, and is named in one place", () => {
  const sealing = labelsAfter(/new SealedJson\([^;]*?/);
  expect([...sealing, "sealed record"].sort()).toEqual(toSeal);
  for (const label of toSeal) expect(labelsAfter(/\./).filter((one) => one === label)).toEqual([label]);
});
