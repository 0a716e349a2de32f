import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { KeyRing, type ProviderRepositories } from "../../src/index.ts";
import { createSqliteRepositories } from "../../src/sqlite.ts";
import { createVaultRepositories } from "../../src/vault.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { setUp } from "../support/set-up.ts";
import { sqliteDirectory } from "../support/sqlite-subject.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();
let directory: Awaited<ReturnType<typeof sqliteDirectory>>;
setUp("file", async (parts) => {
  directory = parts.use(await sqliteDirectory());
});

/** Logs somebody in, and answers with what an attacker may know of it: who the user is, and by which client. */
async function logIn(repositories: ProviderRepositories): Promise<{ subject: string; client: string }> {
  const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories });
  // The labels of the first records of an instance wait for its announcement.
  await harness.tokens();
  await harness.provider[Symbol.asyncDispose]();
  await harness.tokens();
  for await (const { subject, clientId } of harness.provider.listGrants()) {
    if (subject !== undefined) return { subject, client: clientId };
  }
  throw new Error("Nobody has logged in.");
}

/** Whatever stands for a value in an index, if it can be computed by whoever guesses the value. */
function guesses(known: Readonly<Record<string, string>>, repositories: readonly string[]): string[] {
  const texts = Object.entries(known).flatMap(([index, value]) => [
    value,
    ...repositories.map((repository) => JSON.stringify([repository, index, value])),
  ]);
  const hashes = texts.flatMap((text) =>
    (["hex", "base64", "base64url"] as const).map((encoding) => createHash("sha256").update(text).digest(encoding)),
  );
  return [...texts, ...hashes];
}

it("whoever may list a Vault, and may not read its secrets, cannot tell whose grants are in it", async () => {
  const { baseUrlTemplate } = emulator;
  const known = await logIn(createVaultRepositories("pts_demo", { baseUrlTemplate }));
  const listed = emulator.vault.items().map(({ name, metadata }) => ({ name, metadata }));
  expect(listed.some(({ metadata }) => metadata.kind === "grant" && metadata.label1 !== undefined)).toBe(true);
  const places = ["grant", "authorization_code"].map((kind) => `vault:/pangea-authn-fastmcp:${kind}`);
  for (const guess of guesses({ subject: known.subject }, places)) expect(JSON.stringify(listed)).not.toContain(guess);
  // Of the client the labels tell as little; its own record has its id as the name.
  const labels = listed.map(({ metadata }) => metadata);
  for (const guess of guesses({ client: known.client }, places)) expect(JSON.stringify(labels)).not.toContain(guess);
});

it("whoever has copied a database whose records are sealed cannot tell whose grants are in it", async () => {
  const file = directory.file();
  const repositories = createSqliteRepositories(file, { keys: KeyRing.from("the secret that seals these records") });
  const known = await logIn(repositories);
  await repositories[Symbol.asyncDispose]();
  const database = new DatabaseSync(file);
  const rows = database.prepare('SELECT * FROM "pangea-grant"').all();
  database.close();
  expect(rows.some((row) => row.by_subject !== null)).toBe(true);
  for (const guess of guesses(known, ["pangea-grant", "pangea-authorization_code"])) {
    expect(JSON.stringify(rows)).not.toContain(guess);
  }
});
