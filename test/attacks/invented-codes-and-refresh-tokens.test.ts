import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { KeyRing } from "../../src/index.ts";
import { credentialCore, formatHandle, markCredential } from "../../src/provider/oauth/grant-credential.ts";
import { recordedRepositories } from "../support/intercepted-repository.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { recordsOf } from "../support/records-of.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

function start() {
  const { repositories, calls } = recordedRepositories();
  const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories, rateLimits: false });
  return { harness, calls, repositories };
}

/** What somebody sends who knows how credentials are made, and whatever is no secret, the key id and a handle included. */
function invented(kind: "authorization_code" | "refresh_token", seen: string): string[] {
  const handle = seen.slice(8, 30);
  const keyId = seen.slice(-30, -22);
  const core = (generation: number) => credentialCore(kind, { handle, generation }, randomBytes(32));
  const other = { handle: formatHandle(randomBytes(16)), generation: 1 };
  const marks = () => randomBytes(16).toString("hex").slice(0, 22);
  return [
    ...Array.from({ length: 20 }, (_, number) => `${core(number)}_${keyId}${marks()}`),
    `${credentialCore(kind, other, randomBytes(32))}_${keyId}${marks()}`,
    // A mark that is right, of another credential.
    core(1) + seen.slice(-31),
    core(2) + seen.slice(-31),
  ];
}

it("codes and refresh tokens that nobody issued cost no call to the store", async () => {
  const { harness, calls } = start();
  const tokens = await harness.tokens();
  for (const refresh_token of invented("refresh_token", tokens.refresh_token)) {
    calls.length = 0;
    expect((await jsonOf(await harness.refresh({ ...tokens, refresh_token }))).error).toBe("invalid_grant");
    expect(calls).toEqual([]);
  }
  for (const code of invented("authorization_code", tokens.code)) {
    calls.length = 0;
    expect((await jsonOf(await harness.redeem({ ...tokens, code }))).error).toBe("invalid_grant");
    expect(calls).toEqual([]);
  }
  expect((await harness.refresh(tokens)).status, "nor do they end the login whose handle they name").toBe(200);
});

it("nor do they leave a record, with a key of their inventor's either", async () => {
  const { harness, calls, repositories } = start();
  const tokens = await harness.tokens();
  const count = async () => {
    let records = 0;
    for (const repository of Object.values(repositories)) {
      if ("entries" in repository) records += (await recordsOf<unknown>(repository)).length;
    }
    return records;
  };
  const before = await count();
  calls.length = 0;
  for (let times = 0; times < 30; times += 1) {
    const keys = KeyRing.from(randomBytes(32).toString("hex"), { context: harness.provider.issuer });
    const handle = tokens.code.slice(8, 30);
    const core = credentialCore("refresh_token", { handle, generation: 1 }, randomBytes(32));
    const refresh_token = markCredential(keys.derive("credential mark"), core);
    expect((await harness.refresh({ ...tokens, refresh_token })).status).not.toBe(200);
    await harness.postForm("/revoke", { client_id: tokens.clientId, token: refresh_token });
  }
  expect(await count()).toBe(before);
  expect(calls.filter((call) => / (?:set|add|delete|take)$/.test(call))).toEqual([]);
  expect(calls.filter((call) => call === "key_announcement get").length).toBeLessThanOrEqual(10);
  expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
});
