import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { beforeEach, expect, it, vi } from "vitest";
import { migrate } from "../../src/cli/migrate/migrate.ts";
import { readMigrateOptions } from "../../src/cli/migrate/migrate-options.ts";
import { McpOAuthProvider, openIdConnect, type ProviderRepositories, pangeaAuthn } from "../../src/index.ts";
import { createSqliteRepositories } from "../../src/sqlite.ts";
import { createVaultRepositories } from "../../src/vault.ts";
import { jsonOf } from "../support/json-of.ts";
import { startOpenIdProvider } from "../support/openid-provider-server.ts";
import { ClientHarness, ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { setUp } from "../support/set-up.ts";
import { sqliteDirectory } from "../support/sqlite-subject.ts";
import { serverClient } from "../support/upstream-clients.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();
let directory: Awaited<ReturnType<typeof sqliteDirectory>>;
setUp("file", async (parts) => {
  directory = parts.use(await sqliteDirectory());
});

beforeEach(() => {
  // oidc-provider remarks that it is not set up for production.
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockReturnValue();
});

const { mcpBaseUrl, pangeaAuthnClientSecret: pangeaSecret } = providerOptions("https://unused.example");
const baseUrl = String(mcpBaseUrl);

/** Logs in at an OpenID provider with a client that has registered before, and shows its secret. */
async function logInAgain(
  harness: ClientHarness<McpOAuthProvider>,
  followLogin: (location: URL) => Promise<URL>,
  client: { readonly client_id: string; readonly client_secret?: string },
) {
  const { verifier, challenge } = pkce();
  const begun = await harness.beginLogin({ client_id: client.client_id, code_challenge: challenge });
  const answer = await harness.finishLogin(await followLogin(begun.location), begun.cookie);
  const issued = { clientId: client.client_id, verifier, code: answer.searchParams.get("code") ?? answer.search };
  return jsonOf(await harness.redeem(issued, { client_secret: client.client_secret ?? "" }));
}

it("a server moves from Pangea to OpenID Connect and from Vault to SQLite: clients stay, the rest is told beforehand", async () => {
  // Before: Pangea AuthN and Vault, with a client that registered itself and a user of it.
  const folder = "/to-be-moved";
  const vault = createVaultRepositories("pts_test", { baseUrlTemplate: emulator.baseUrlTemplate, folder });
  await using _vault = vault;
  const before = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories: vault });
  const client = await before.register({ token_endpoint_auth_method: "client_secret_post" });
  const { verifier, challenge } = pkce();
  const answer = await before.logIn({ client_id: client.client_id, code_challenge: challenge });
  const code = { clientId: client.client_id, verifier, code: answer.searchParams.get("code") ?? "" };
  const secret = { client_secret: client.client_secret ?? "" };
  const old = { clientId: client.client_id, ...(await jsonOf(await before.redeem(code, secret))) };
  expect(await before.mcpStatus(old.access_token)).toBe(200);

  // What is to come: keys come from the same secret as before, now by its own option.
  await using openId = await startOpenIdProvider(`${baseUrl}/oidc/callback`);
  const upstream = openIdConnect({ issuer: openId.issuer, ...serverClient });
  const moved = (repositories: ProviderRepositories, others = {}) =>
    new ClientHarness(
      new McpOAuthProvider({
        baseUrl,
        scopes: ["user", "admin"],
        upstream,
        secret: pangeaSecret,
        repositories,
        logger: false,
        ...others,
      }),
      baseUrl,
    );

  // Beforehand the operator is told what the move ends, by check() and by migrate.
  const { findings } = await moved(vault).provider.check();
  expect(findings.find(({ check }) => check === "unknown-upstream")).toMatchObject({
    status: "warning",
    what: expect.stringContaining(`1 login in the store is of ${emulator.issuerUrl}`),
    why: expect.stringContaining("Registered clients stay"),
  });
  const file = directory.file();
  const move = async (values: Record<string, string | boolean> = {}) => {
    let printed = "";
    const addresses = { from: `vault:${folder}`, to: `sqlite:${file}` };
    const environment = { PANGEA_VAULT_TOKEN: "pts_test", PANGEA_BASE_URL_TEMPLATE: emulator.baseUrlTemplate };
    const outcome = await migrate(readMigrateOptions({ ...addresses, ...values }, environment), {
      output: { write: (part) => (printed += part) },
      progress: { write: () => {} },
      signal: new AbortController().signal,
      installation: (missing) => `npm install ${missing}`,
    });
    return { outcome, printed };
  };
  expect((await move({ "dry-run": true })).printed).toContain(`1 at ${emulator.issuerUrl}`);
  expect(await move()).toMatchObject({
    outcome: "complete",
    printed: expect.stringContaining("refuses them; clients stay"),
  });

  // Afterwards: the registered client logs in with its id and its secret, at the new place.
  const sqlite = createSqliteRepositories(file, { keys: "none" });
  await using _sqlite = sqlite;
  const after = moved(sqlite);
  const told: unknown[] = [];
  const listen = (event: unknown) => void told.push(event);
  subscribe("pangea-authn-fastmcp:unknown-upstream", listen);
  const renewed = await logInAgain(after, (location) => openId.followLogin(location), client);
  const authInfo = await after.provider.verifyAccessToken(renewed.access_token);
  expect(authInfo).toMatchObject({ clientId: client.client_id, extra: { upstreamIssuer: openId.issuer } });
  expect(await after.provider.upstreamToken(authInfo)).toMatchObject({ upstream: "oidc", username: "ada" });

  // The old login is refused, told once, and no token of Pangea's goes to the new provider.
  expect(await after.mcpStatus(old.access_token)).toBe(401);
  expect(await jsonOf(await after.refresh(old, secret))).toMatchObject({ error: "invalid_grant" });
  unsubscribe("pangea-authn-fastmcp:unknown-upstream", listen);
  expect(told).toEqual([{ upstreamIssuer: emulator.issuerUrl }]);

  // With both upstreams for a while, the old logins go on beside the new ones.
  const { pangeaAuthnClientId: clientId, pangeaAuthnScopes: scopes } = providerOptions(emulator.issuerUrl);
  const pangea = pangeaAuthn({ issuerUrl: emulator.issuerUrl, clientId, clientSecret: pangeaSecret, scopes });
  const both = moved(sqlite, { upstream: undefined, upstreams: [upstream, pangea] });
  expect(await both.mcpStatus(old.access_token)).toBe(200);
  expect(await both.mcpStatus(renewed.access_token)).toBe(200);
  expect(await both.provider.upstreamToken({ token: old.access_token })).toMatchObject({ upstream: "pangea" });
});
