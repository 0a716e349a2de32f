import { timingSafeEqual } from "node:crypto";
import { beforeEach, expect, it, vi } from "vitest";
import { tokenKey } from "../../src/index.ts";
import { interceptedRepositories } from "../support/intercepted-repository.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

vi.mock("node:crypto", async (original) => {
  const crypto = await original<typeof import("node:crypto")>();
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) };
});
const compared = vi.mocked(timingSafeEqual);

const emulator = useEmulator();
beforeEach(() => {
  compared.mockClear();
});

/** Guesses that differ from the secret early, late, in length, and not at all. */
const guesses = (secret: string): string[] => [
  secret,
  // No secret has this character.
  `~${secret.slice(1)}`,
  `${secret.slice(0, -1)}~`,
  secret.slice(0, 10),
  secret + secret,
  "x",
];

/** Every comparison was of digests, which say nothing of how much of the secret was right; never of the secret. */
function onlyDigestsWereCompared(secret: string, times: number): void {
  expect(compared).toHaveBeenCalledTimes(times);
  for (const [one, other] of compared.mock.calls) {
    expect(one.byteLength).toBe(other.byteLength);
    for (const side of [one, other]) expect(Buffer.from(side as Uint8Array).toString()).not.toContain(secret);
  }
}

it("a client secret is compared by its digest, in constant time, for every guess alike", async () => {
  const harness = new ProviderHarness(providerOptions(emulator.issuerUrl));
  const { client_id, client_secret = "" } = await harness.register({
    token_endpoint_auth_method: "client_secret_post",
  });
  compared.mockClear();
  const statuses: number[] = [];
  for (const guess of guesses(client_secret)) {
    const form = { grant_type: "refresh_token", refresh_token: "x", client_id, client_secret: guess };
    statuses.push((await harness.postForm("/token", form)).status);
  }
  expect(statuses).toEqual([400, 401, 401, 401, 401, 401]);
  onlyDigestsWereCompared(client_secret, guesses("").length);
});

it("an initial access token is compared by its digest, in constant time, for every guess alike", async () => {
  const initialAccessToken = "an-initial-access-token";
  const options = { ...providerOptions(emulator.issuerUrl), clientRegistration: { initialAccessToken } };
  const harness = new ProviderHarness(options);
  compared.mockClear();
  const statuses: number[] = [];
  for (const guess of guesses(initialAccessToken)) {
    const headers = { "content-type": "application/json", authorization: `Bearer ${guess}` };
    const body = JSON.stringify({ redirect_uris: ["https://app.example/"] });
    const request = new Request(`${harness.baseUrl}/register`, { method: "POST", headers, body });
    statuses.push((await harness.provider.fetch(request)).status);
  }
  expect(statuses).toEqual([201, 401, 401, 401, 401, 401]);
  onlyDigestsWereCompared(initialAccessToken, guesses("").length);
});

it("a code verifier is compared by its digest, in constant time", async () => {
  const harness = new ProviderHarness(providerOptions(emulator.issuerUrl));
  const { client_id } = await harness.register();
  const issued = await harness.codeFor(client_id);
  compared.mockClear();
  await harness.redeem({ ...issued, verifier: pkce().verifier });
  // Of the verifier, and of the mark of the code.
  onlyDigestsWereCompared(issued.verifier, 2);
  onlyDigestsWereCompared(issued.code, 2);
});

it("the mark of a code or a refresh token is compared in constant time, for every guess alike", async () => {
  const harness = new ProviderHarness(providerOptions(emulator.issuerUrl));
  const tokens = await harness.tokens();
  const mark = (text: string) => text.slice(-22);
  const other = (character: string) => (character === "0" ? "1" : "0");
  for (const [shown, redeem] of [
    [tokens.refresh_token, (text: string) => harness.refresh({ ...tokens, refresh_token: text })],
    [tokens.code, (text: string) => harness.redeem({ ...tokens, code: text })],
  ] as const) {
    const core = shown.slice(0, -22);
    const early = other(mark(shown).slice(0, 1)) + mark(shown).slice(1);
    const late = mark(shown).slice(0, -1) + other(shown.slice(-1));
    for (const guess of [early, late, "0".repeat(22)]) {
      compared.mockClear();
      expect((await redeem(core + guess)).status).toBe(400);
      onlyDigestsWereCompared(core, 1);
    }
  }
});

it("tokens and codes are not compared at all: the store is asked for their digest", async () => {
  const asked: string[] = [];
  const repositories = interceptedRepositories((run, { method, key }) => {
    if (method !== "set") asked.push(key);
    return run();
  });
  const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories });
  const tokens = await harness.tokens();
  await harness.mcpStatus(tokens.access_token);
  await jsonOf(await harness.refresh(tokens));
  expect(asked).toContain(tokenKey(tokens.access_token));
  for (const key of asked) {
    for (const secret of [tokens.access_token, tokens.refresh_token, tokens.code]) expect(key).not.toContain(secret);
  }
});
