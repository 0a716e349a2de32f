import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type PangeaEmulator, startPangeaEmulator } from "../../src/emulator.ts";
import { ConfigurationError, createInMemoryRepositories, KeyRing } from "../../src/index.ts";
import * as sealing from "../../src/secrets/sealing.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { recordsOf } from "../support/records-of.ts";

vi.mock("../../src/secrets/sealing.ts", async (original) => {
  const module = await original<typeof sealing>();
  return { ...module, seal: vi.fn(module.seal) };
});
const sealed = vi.mocked(sealing.seal);

let emulator: PangeaEmulator;
beforeAll(async () => {
  emulator = await startPangeaEmulator();
});
afterAll(() => emulator.close());
beforeEach(() => {
  sealed.mockClear();
});

const short = "hunter2";
/** What a dictionary has. */
const guesses = ["letmein", short, "password"];

/** The guess that opens a consent page, of somebody who has the page, its cookies, and all the time in the world. */
async function guessed(harness: ProviderHarness): Promise<string | undefined> {
  const { client_id } = await harness.register();
  const page = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge });
  const boundTo = page.cookie.split("; ").map((cookie) => cookie.split("=")[1] ?? "");
  const opensPage = (secret: string) => {
    const keys = () => KeyRing.from(secret, { context: harness.baseUrl }).derive("consent request");
    return boundTo.some((browser) => opens(() => sealing.openSealed(keys(), page.sealed, browser)));
  };
  // As secrets were made to fit in earlier versions, too.
  return guesses.find((guess) => opensPage(guess) || opensPage(`pangea-authn-client-secret:${guess}`.padEnd(64, ".")));
}

function opens(open: () => unknown): boolean {
  try {
    open();
    return true;
  } catch {
    return false;
  }
}

it("no server stands on a client secret of the upstream that can be guessed", () => {
  for (const pangeaAuthnClientSecret of [short, "x".repeat(31)]) {
    const settings = { ...providerOptions(emulator.issuerUrl), pangeaAuthnClientSecret };
    expect(() => new ProviderHarness(settings)).toThrow(ConfigurationError);
  }
});

it("nor on a secret of its own that can be guessed", () => {
  for (const secret of [short, [short], ["s".repeat(32), short]]) {
    const settings = { ...providerOptions(emulator.issuerUrl), secret };
    expect(() => new ProviderHarness(settings)).toThrow(ConfigurationError);
  }
});

it("a consent page does not tell whether a guess of the upstream's client secret is right", async () => {
  const settings = { ...providerOptions(emulator.issuerUrl), secret: "a secret that nobody has in a dictionary" };
  expect(await guessed(new ProviderHarness({ ...settings, pangeaAuthnClientSecret: short }))).toBeUndefined();
});

it("nothing that is sealed or stored in a login has a digest of a configured client's secret", async () => {
  const clientSecret = "an operator has thought of this one";
  const redirect_uri = "https://app.example/callback";
  const repositories = createInMemoryRepositories();
  const harness = new ProviderHarness({
    ...providerOptions(emulator.issuerUrl),
    repositories,
    clients: [{ client_id: "own", redirect_uris: [redirect_uri], client_secret: clientSecret }],
  });
  const { verifier, challenge } = pkce();
  const redirect = await harness.logIn({ client_id: "own", redirect_uri, code_challenge: challenge });
  const code = { clientId: "own", code: redirect.searchParams.get("code") ?? "", verifier };
  const tokens = await jsonOf(await harness.redeem(code, { redirect_uri, client_secret: clientSecret }));
  expect(await harness.mcpStatus(tokens.access_token)).toBe(200);

  const stored = await Promise.all(Object.values(repositories).map((repository) => recordsOf<unknown>(repository)));
  const texts = [JSON.stringify(stored), ...sealed.mock.calls.map(([, text]) => text)].join("\n");
  expect(texts).toContain("own");
  expect(sealed.mock.calls.length).toBeGreaterThan(3);
  for (const algorithm of ["sha1", "sha256", "sha512"]) {
    const digest = createHash(algorithm).update(clientSecret).digest();
    for (const encoding of ["hex", "base64", "base64url"] as const) {
      expect(texts).not.toContain(digest.toString(encoding).replace(/=+$/, ""));
    }
  }
  expect(texts).not.toContain(clientSecret);
});
