import { expect, it } from "vitest";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator({ users: [{ username: "ada@example.com" }, { username: "grace@example.com" }] });

it("two users of one client, and one user twice, each keep what is their own", async () => {
  const harness = new ProviderHarness(providerOptions(emulator.issuerUrl));
  const { client_id } = await harness.register();
  const ada = await harness.tokensFor(client_id, {}, { username: "ada@example.com" });
  const grace = await harness.tokensFor(client_id, {}, { username: "grace@example.com" });
  const adaAgain = await harness.tokensFor(client_id, {}, { username: "ada@example.com" });

  const open = (tokens: { access_token: string }) => harness.provider.pangeaToken({ token: tokens.access_token });
  const users = await Promise.all([open(ada), open(grace), open(adaAgain)]);
  expect(users.map(({ email }) => email)).toEqual(["ada@example.com", "grace@example.com", "ada@example.com"]);
  expect(new Set(users.map(({ token }) => token)).size).toBe(3);
  expect(users[0]?.subject).toBe(users[2]?.subject);

  await harness.postForm("/revoke", { client_id, token: ada.refresh_token });
  await expect(open(ada)).rejects.toMatchObject({ error: "invalid_token" });
  expect((await open(grace)).email).toBe("grace@example.com");
  expect((await open(adaAgain)).email).toBe("ada@example.com");
});
