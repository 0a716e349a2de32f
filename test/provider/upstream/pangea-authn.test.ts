import { expect, it } from "vitest";
import {
  ConfigurationError,
  createInMemoryRepositories,
  McpOAuthProvider,
  type PangeaAuthnOptions,
  pangeaAuthn,
} from "../../../src/index.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const optionsOf = ({
  pangeaAuthnIssuerUrl: issuerUrl,
  pangeaAuthnClientId: clientId,
  pangeaAuthnClientSecret: clientSecret,
  pangeaAuthnScopes: scopes,
}: ReturnType<typeof providerOptions>): PangeaAuthnOptions => ({ issuerUrl, clientId, clientSecret, scopes });

it("serves the logins that a PangeaOAuthProvider began, under the same keys and the same redirect URI", async () => {
  const given = providerOptions(emulator.issuerUrl);
  const repositories = createInMemoryRepositories();
  const before = new ProviderHarness({ ...given, repositories });
  const { access_token: token } = await before.tokens();
  await using after = new McpOAuthProvider({
    baseUrl: given.mcpBaseUrl,
    scopes: given.mcpScopes,
    upstream: pangeaAuthn(optionsOf(given)),
    repositories,
  });
  expect(await after.upstreamToken({ token })).toEqual(await before.provider.pangeaToken({ token }));
  expect(after.serves("/pangea/callback")).toBe(true);
});

it.each<[keyof PangeaAuthnOptions, unknown]>([
  ["issuerUrl", "http://login.example"],
  ["clientId", ""],
  ["clientSecret", undefined],
  ["scopes", "user"],
  ["timeout", 0],
])("names its option %s where that is wrong", (option, value) => {
  const construct = () => pangeaAuthn({ ...optionsOf(providerOptions("https://login.example")), [option]: value });
  expect(construct).toThrow(ConfigurationError);
  expect(construct, "its name is not that of an option of the provider").toThrow(`pangeaAuthn: ${option}`);
});

it("gives Pangea five seconds, half of what clients wait, unless said", () => {
  const given = optionsOf(providerOptions("https://login.example"));
  expect(pangeaAuthn(given).timeout).toBe(5000);
  expect(pangeaAuthn({ ...given, timeout: 8000 }).timeout).toBe(8000);
});

it("does not show its secret where it is printed", async () => {
  const { inspect } = await import("node:util");
  const given = optionsOf(providerOptions("https://login.example"));
  const upstream = pangeaAuthn(given);
  expect(inspect(upstream, { depth: 5, showHidden: true })).not.toContain(given.clientSecret);
  expect(JSON.stringify(upstream)).not.toContain(given.clientSecret);
});
