import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { Client } from "pg";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { readGrantsOptions } from "../../src/cli/grants/grants-options.ts";
import { runGrants } from "../../src/cli/grants/run-grants.ts";
import type { Environment } from "../../src/cli/store/store-settings.ts";
import {
  cacheRepositories,
  type InvalidationChannel,
  KeyRing,
  McpOAuthProvider,
  type ProviderRepositories,
} from "../../src/index.ts";
import { PostgresInvalidation, postgresOptions } from "../../src/postgres.ts";
import { grantUseKey } from "../../src/records/keys.ts";
import { giveKeys } from "../../src/records/sealable.ts";
import { RedisPubSubInvalidation, redisOptions } from "../../src/redis.ts";
import { createSqliteRepositories } from "../../src/sqlite.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../support/fake-upstream.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openPostgresPool } from "../support/postgres-pool.ts";
import { heard } from "../support/provider-events.ts";
import { ClientHarness, pkce } from "../support/provider-harness.ts";
import { keyOf } from "../support/provider-state.ts";
import { recordsOf } from "../support/records-of.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { useMigrationStores } from "../support/use-migration-stores.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const secret = "the secret of this test, which is long enough";
const emulator = useEmulator({ authn: false });
const servers = useMigrationStores(emulator);

const environment = (): Environment => ({
  PANGEA_VAULT_TOKEN: "pts_test",
  PANGEA_BASE_URL_TEMPLATE: emulator.baseUrlTemplate,
  STORAGE_SECRET: secret,
});

/** Runs the command in this process: as nobody is there to ask, unless somebody answers. */
async function run(
  words: string[],
  values: Record<string, string | boolean>,
  answer?: string,
  variables: Environment = environment(),
) {
  let text = "";
  let said = "";
  const errors = new PassThrough().on("data", (chunk) => {
    said += String(chunk);
  });
  const input: PassThrough & { isTTY?: boolean } = new PassThrough();
  if (answer !== undefined) {
    input.isTTY = true;
    input.write(`${answer}\n`);
  }
  const code = await runGrants(readGrantsOptions(words, values, variables), {
    output: { write: (part) => (text += part) },
    errors,
    input,
    installation: (missing) => `npm install ${missing}`,
  });
  return { code, text, said };
}

/** Four grants: of two users, of two clients, and a tombstone of one of them. */
async function fill({ grants, grantUses }: ProviderRepositories): Promise<void> {
  const expiresAt = Math.floor(Date.now() / 1_000) + 3_600;
  const grant = (subject: string, clientId: string) => ({
    clientId,
    clientName: "Notes\u001b[31m",
    clientHost: "notes.example.org",
    subject,
    scopes: ["user"],
    resource: new URL("https://mcp.example.org/mcp"),
    createdAt: 1_800_000_000,
    expiresAt,
  });
  await grants.set("one", grant("ada", "notes"));
  await grants.set("two", { ...grant("ada", "https://mail.example.org/client"), clientVerified: true });
  await grants.set("three", grant("grace", "notes"));
  await grants.set("over", { ...grant("ada", "notes"), scopes: [], revokedAt: 1_800_000_100 });
  await grantUses.set(grantUseKey("one"), { usedAt: 1_800_003_600, network: "203.0.113.0/24", expiresAt });
}

const idsIn = (text: string): string[] => {
  const listed: { grantId: string }[] = JSON.parse(text);
  return listed.map(({ grantId }) => grantId).sort();
};

describe.each(["vault", "redis", "sqlite", "postgres"] as const)("grants in %s", (kind) => {
  it("are listed, shown and ended, by user and by client", async () => {
    const namespace = `grants-${kind}`;
    await using repositories = await servers.stores[kind].open({ namespace, secret });
    await fill(repositories);
    const store = { store: servers.stores[kind].address, namespace };

    expect(idsIn((await run(["list"], { ...store, json: true })).text)).toEqual(["one", "three", "two"]);
    const ofAda = await run(["list"], { ...store, json: true, subject: "ada" });
    expect([ofAda.code, idsIn(ofAda.text)]).toEqual([0, ["one", "two"]]);
    expect(idsIn((await run(["list"], { ...store, json: true, client: "notes" })).text)).toEqual(["one", "three"]);
    expect(idsIn((await run(["list"], { ...store, json: true, subject: "nobody" })).text)).toEqual([]);

    const shown = await run(["show", "one"], store);
    expect(shown.code).toBe(0);
    for (const part of ["one", "notes.example.org, not verified", "ada", "2027-01-15T09:00:00Z, from 203.0.113.0/24"]) {
      expect(shown.text).toContain(part);
    }
    expect(shown.text).not.toContain("\u001b");
    expect(await run(["show", "over"], store)).toMatchObject({ code: 1, text: "" });

    const ended = await run(["revoke"], { ...store, subject: "ada", yes: true, json: true });
    expect([ended.code, JSON.parse(ended.text)]).toEqual([0, { ended: 2 }]);
    const lines = ended.said.split("\n").filter((line) => line.includes("An operator has ended a grant."));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT.*"grantId":"(one|two)".*"subject":"ada"/);
    expect(idsIn((await run(["list"], { ...store, json: true })).text)).toEqual(["three"]);
    expect(await run(["revoke", "three"], { ...store, yes: true })).toMatchObject({
      code: 0,
      text: "1 grant ended.\n",
    });
    expect(await run(["revoke", "three"], { ...store, yes: true })).toMatchObject({ code: 1, text: "" });
    expect(await run(["revoke"], { ...store, all: true, yes: true })).toMatchObject({ code: 0, text: "" });
    expect((await repositories.grants.get("one"))?.revokedAt).toBeDefined();
  });
});

it("two people of one subject are told apart by their upstreams, and a subject alone ends nobody's login", async () => {
  const namespace = "upstreams";
  await using repositories = await servers.stores.sqlite.open({ namespace, secret });
  await fill(repositories);
  const [red, blue] = ["https://login.red.example", "https://login.blue.example"];
  const grant = await repositories.grants.get("one");
  if (grant === undefined) throw new Error("there is no grant to copy");
  await repositories.grants.set("one", { ...grant, upstreamIssuer: red });
  await repositories.grants.set("two", { ...grant, upstreamIssuer: `${red}/` });
  await repositories.grants.set("four", { ...grant, upstreamIssuer: blue });
  await repositories.grants.set("five", grant);
  const values = { store: servers.stores.sqlite.address, namespace, subject: "ada", yes: true };
  const idsOfAll = async () => idsIn((await run(["list"], { store: values.store, namespace, json: true })).text);
  const all = await idsOfAll();

  const listed = await run(["list"], { store: values.store, namespace, subject: "ada" });
  for (const issuer of [red, blue]) expect(listed.text).toContain(issuer);
  // Whether or not somebody is there to be asked.
  for (const refused of [await run(["revoke"], values), await run(["revoke"], { ...values, yes: false }, "y")]) {
    expect(refused).toMatchObject({ code: 1, text: "" });
    expect(refused.said).toContain("--upstream-issuer");
    expect(refused.said).not.toContain("[y/N]");
  }
  expect(await idsOfAll()).toEqual(all);
  const ofRed = { ...values, "upstream-issuer": red };
  expect(idsIn((await run(["list"], { ...ofRed, yes: false, json: true })).text)).toEqual(["one", "two"]);
  const ended = await run(["revoke"], ofRed);
  expect(ended).toMatchObject({ code: 0, text: "2 grants ended.\n" });
  expect(ended.said).toMatch(/"grantId":"one","subject":"ada","upstreamIssuer":"https:\/\/login\.red\.example"/);
  expect(await run(["revoke"], values), "one names an issuer, the other does not").toMatchObject({ code: 1 });
  expect(await run(["revoke"], { ...values, "upstream-issuer": blue })).toMatchObject({ text: "1 grant ended.\n" });
  expect(await run(["revoke"], values), "nobody else is left").toMatchObject({ text: "1 grant ended.\n" });
  expect(await idsOfAll()).toEqual(["three"]);
});

it("a person is asked before anything is ended, and nobody else is", async () => {
  const namespace = "asked";
  await using repositories = await servers.stores.sqlite.open({ namespace, secret });
  await fill(repositories);
  const values = { store: servers.stores.sqlite.address, namespace, client: "notes" };
  await expect(run(["revoke"], values)).rejects.toThrow("--yes");
  const refused = await run(["revoke"], values, "no");
  expect(refused).toMatchObject({ code: 1, text: "" });
  expect(refused.said).toContain("End 2 grants in sqlite:");
  expect(idsIn((await run(["list"], { ...values, json: true })).text)).toEqual(["one", "three"]);
  expect(await run(["revoke"], values, "y")).toMatchObject({ code: 0, text: "2 grants ended.\n" });
});

it("with another secret nothing is listed as if it were everything", async () => {
  const namespace = "secrets";
  await using repositories = await servers.stores.redis.open({
    namespace,
    secret: "another secret, which is long enough too",
  });
  await fill(repositories);
  for (const filter of [{ all: true }, { subject: "ada" }]) {
    const listed = await run(["list"], { store: servers.stores.redis.address, namespace, json: true, ...filter });
    expect(listed).toMatchObject({ code: 1, text: "[]\n" });
    expect(listed.said).toContain("could not be read");
  }
});

it.each<[string[], Record<string, string | boolean>]>([
  [[], {}],
  [["end"], {}],
  [["show"], {}],
  [["show", "one", "two"], {}],
  [["list", "one"], {}],
  [["revoke"], {}],
  [["revoke"], { subject: "" }],
  [["revoke", "one"], { all: true }],
  [["revoke"], { all: true, subject: "ada" }],
  [["list"], { yes: true }],
  [["lst"], {}],
  [["list"], { store: "redis://host/name" }],
  [["list"], { store: "redis://host/0/1" }],
  [["list"], { folder: "/other" }],
  [["list"], { namespace: "No!" }],
])("refuses grants %j with %j", (words, values) => {
  const read = () => readGrantsOptions(words, { store: "sqlite:state.db", ...values }, {});
  expect(read).toThrow(expect.objectContaining({ constructor: expect.objectContaining({ name: "UsageError" }) }));
});

it("ends a login of a server that seals its file itself: its tokens are over, and the person is asked anew", async () => {
  const file = servers.directory.file();
  const baseUrl = "https://mcp.example.org";
  const clock = new ManualClock();
  await using repositories = createSqliteRepositories(file);
  const provider = new McpOAuthProvider({
    baseUrl,
    scopes: ["user"],
    upstream: new FakeUpstream(clock.read),
    secret,
    repositories,
    logger: false,
  });
  const harness = new ClientHarness(provider, baseUrl);
  const { client_id } = await harness.register();
  const { verifier, challenge } = pkce();
  const asked = { client_id, code_challenge: challenge, scope: "user" };
  const { location, cookie } = await harness.beginLogin(asked);
  const redirect = await harness.finishLogin(logInAtFakeUpstream(location, "ada"), cookie);
  const code = redirect.searchParams.get("code") ?? "";
  const form = { client_id, code, code_verifier: verifier, redirect_uri: harness.redirectUri };
  const { access_token } = await jsonOf(
    await harness.postForm("/token", { grant_type: "authorization_code", ...form }),
  );
  const headers = new Headers({ authorization: `Bearer ${access_token}` });
  expect(await provider.authenticate({ headers })).not.toBeInstanceOf(Response);

  const child = spawn(
    process.execPath,
    [main, "grants", "revoke", "--store", `sqlite:${file}`, "--issuer", baseUrl, "--subject", "ada", "--yes"],
    { env: { ...process.env, STORAGE_SECRET: secret }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  const [exitCode] = await once(child, "exit");
  expect([exitCode, output]).toEqual([0, expect.stringContaining("1 grant ended.")]);
  expect(output).not.toContain(access_token);
  const refused = await provider.authenticate({ headers });
  expect(refused instanceof Response && refused.status).toBe(401);
  expect(await repositories.consentRevocations.entries().next()).toMatchObject({ done: false });
});

describe("the caches of a running server", () => {
  const cached = async (repositories: ProviderRepositories, invalidation: InvalidationChannel) => {
    const cache = cacheRepositories(repositories, { maxStaleness: 3_600_000, invalidation });
    await vi.waitFor(async () => {
      await cache.grants.get("one");
      expect(remembered(cache.grants, "one"), "the channel is up").toBeDefined();
    });
    return cache;
  };
  const ended = async (cache: ProviderRepositories) =>
    vi.waitFor(async () => expect((await cache.grants.get("one"))?.revokedAt).toBeDefined());

  it("hear of a grant that was ended in Redis, on whatever channel they listen", async () => {
    const namespace = "told-redis";
    const url = servers.stores.redis.address;
    await using repositories = await servers.stores.redis.open({ namespace, secret });
    await fill(repositories);
    const client = new Redis(url, redisOptions());
    try {
      await using invalidation = new RedisPubSubInvalidation(client, { prefix: "a-name-of-its-own" });
      const cache = await cached(repositories, invalidation);
      const result = await run(["revoke", "one"], { store: url, namespace, yes: true });
      expect(result.said).toContain("know of it now");
      await ended(cache);
    } finally {
      client.disconnect();
    }
  });

  it("hear of a grant that was ended in Postgres, whatever their prefix is", async () => {
    const namespace = "told-postgres";
    const connectionString = servers.stores.postgres.address;
    await using repositories = await servers.stores.postgres.open({ namespace, secret });
    await fill(repositories);
    const pool = openPostgresPool({ connectionString, ...postgresOptions() });
    try {
      await using invalidation = new PostgresInvalidation(pool, {
        prefix: "a-name-of-its-own",
        listener: () => new Client({ connectionString }),
      });
      const cache = await cached(repositories, invalidation);
      await run(["revoke", "one"], { store: connectionString, namespace, yes: true });
      await ended(cache);
    } finally {
      await pool.end();
    }
  });

  it.each(["vault", "sqlite"] as const)("hear of nothing over %s, which is said", async (kind) => {
    const namespace = `untold-${kind}`;
    await using repositories = await servers.stores[kind].open({ namespace, secret });
    await fill(repositories);
    const values = { store: servers.stores[kind].address, namespace };
    expect((await run(["revoke", "one"], { ...values, yes: true })).said).toContain("maxStaleness");
    expect((await run(["list"], values)).said).not.toContain("maxStaleness");
  });
});

function remembered(repository: object, key: string): unknown {
  return "remembered" in repository && typeof repository.remembered === "function" && repository.remembered(key);
}

it("what is no id of a grant is refused before anything is written", async () => {
  const namespace = "typo";
  await using repositories = await servers.stores.sqlite.open({ namespace, secret });
  for (const id of ["typo", "sha256-short", `${keyOf("grants", 1)}=`, ` ${keyOf("grants", 1)}`]) {
    const result = await run(["revoke", id], { store: servers.stores.sqlite.address, namespace, yes: true });
    expect(result).toMatchObject({ code: 1, text: "", said: expect.stringContaining("sha256-") });
  }
  expect(await recordsOf(repositories.grants)).toEqual([]);
  const unknown = await run(["revoke", keyOf("grants", 1)], {
    store: servers.stores.sqlite.address,
    namespace,
    yes: true,
  });
  expect(unknown).toMatchObject({ code: 1, text: "" });
});

it.each<[string, Record<string, string>, Environment, string[]]>([
  ["no secret", {}, { STORAGE_SECRET: "" }, ["STORAGE_SECRET is not set", "--issuer"]],
  ["no issuer", {}, {}, ["STORAGE_SECRET", "--issuer"]],
  ["a slash at the issuer's end", { issuer: "https://mcp.example.org/" }, {}, ["--issuer", "slash"]],
  ["another issuer", { issuer: "https://other.example.org" }, {}, ["--issuer https://other.example.org"]],
])("names what was not given, or given wrongly, where records do not open: %s", async (_, values, changes, said) => {
  const file = servers.directory.file();
  {
    await using own = createSqliteRepositories(file);
    giveKeys(own, KeyRing.from(secret, { context: "https://mcp.example.org" }));
    await own.grants.set("one", { clientId: "a", scopes: [], createdAt: 1, expiresAt: Date.now() / 1_000 + 60 });
  }
  const variables = { ...environment(), ...changes };
  const result = await run(["list"], { store: `sqlite:${file}`, ...values }, undefined, variables);
  expect(result.code).toBe(1);
  expect(result.said).toContain("1 record could not be read and stayed as it was.");
  for (const part of said) expect(result.said).toContain(part);
});

it("a store that cannot be reached is named without its password, and nobody goes on trying", async () => {
  for (const store of ["redis://:hush@127.0.0.1:1/3", "postgres://someone:hush@127.0.0.1:1/nowhere"]) {
    const failure = run(["list"], { store });
    await expect(failure).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    const { message } = z.object({ message: z.string() }).parse(await failure.catch((error: unknown) => error));
    expect(message).toMatch(/^(?:redis|postgres):\/\/127\.0\.0\.1:1\/(?:3|nowhere) cannot be reached.*ECONNREFUSED/);
    expect(message).not.toMatch(/hush|goes on/);
  }
});

it("a secret that is too short is told by the name of its variable", () => {
  const read = () => readGrantsOptions(["list"], { store: "sqlite:a.db" }, { STORAGE_SECRET: "short" });
  expect(read).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringMatching(/STORAGE_SECRET.*32/) }),
  );
});

it("tells of each decision on the provider's own channel as well", async () => {
  const namespace = "events";
  await using repositories = await servers.stores.sqlite.open({ namespace, secret });
  await fill(repositories);
  const events = heard("grant-revoked");
  await run(["revoke", "two"], { store: servers.stores.sqlite.address, namespace, yes: true });
  expect(events.stop()).toEqual([
    { clientId: "https://mail.example.org/client", grantId: "two", subject: "ada", by: "operator" },
  ]);
});

it("the keys of a file that a provider seals follow from its secret and its URL", () => {
  const { store } = readGrantsOptions(
    ["list"],
    { store: "sqlite:state.db", issuer: "https://a.example" },
    environment(),
  );
  expect(store.keys?.ids).toEqual(KeyRing.from(secret, { context: "https://a.example" }).ids);
});
