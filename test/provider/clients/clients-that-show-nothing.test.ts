import { expect, it } from "vitest";
import { createInMemoryRepositories, type PangeaOAuthProviderOptions } from "../../../src/index.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type IssuedCode, ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { claimsOf, SigningKey, shown } from "../../support/signing-client.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();
const clock = new ManualClock();
const open = (options: Partial<PangeaOAuthProviderOptions>) =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), clock: clock.read, ...options });

/** Who shows nothing is not taken for a public client, and the code is left to whoever shows the right thing. */
async function needsProof(harness: ProviderHarness, code: IssuedCode, proof: Record<string, string>): Promise<void> {
  const answer = await harness.redeem(code);
  expect([answer.status, (await jsonOf(answer)).error]).toEqual([401, "invalid_client"]);
  expect((await harness.redeem(code, proof)).status).toBe(200);
}

it("a client that signs assertions", async () => {
  const key = await SigningKey.generate();
  const harness = open({
    clients: [
      {
        client_id: "signing",
        redirect_uris: ["http://127.0.0.1:4999/callback"],
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [key.jwk] },
      },
    ],
  });
  const proof = shown(await key.sign(claimsOf("signing", harness.baseUrl, clock)));
  await needsProof(harness, await harness.codeFor("signing"), proof);
});

it("a client with a secret, also once the server's own secret was replaced and the old one is not listed", async () => {
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const before = open({ repositories, secret: "a".repeat(40) });
  const { client_id, client_secret = "" } = await before.register({ token_endpoint_auth_method: "client_secret_post" });
  await needsProof(before, await before.codeFor(client_id), { client_secret });
  const after = open({ repositories, secret: "b".repeat(40) });
  await needsProof(after, await after.codeFor(client_id), { client_secret });
});
