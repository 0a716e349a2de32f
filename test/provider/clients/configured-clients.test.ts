import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PangeaEmulator, startPangeaEmulator } from "../../../src/emulator.ts";
import { createInMemoryRepositories, type ProviderRepositories } from "../../../src/index.ts";
import { gated } from "../../support/gated-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";

let emulator: PangeaEmulator;
beforeAll(async () => {
  emulator = await startPangeaEmulator();
});
afterAll(() => emulator.close());

const redirectUri = "https://app.example/callback";
const [secret, nextSecret] = ["the first secret of a configured client", "the next secret of a configured client"];
const clientWith = (clientSecret: string) => ({
  client_id: "own",
  redirect_uris: [redirectUri],
  client_secret: clientSecret,
});

const open = (repositories: ProviderRepositories, clients: readonly ReturnType<typeof clientWith>[]) =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories, clients });

async function codeFor(harness: ProviderHarness) {
  const { verifier, challenge } = pkce();
  const redirect = await harness.logIn({ client_id: "own", redirect_uri: redirectUri, code_challenge: challenge });
  return { clientId: "own", code: redirect.searchParams.get("code") ?? "", verifier };
}

const basic = (clientSecret: string) => ({
  authorization: `Basic ${btoa(`own:${clientSecret.replaceAll(" ", "+")}`)}`,
});
const answerOf = async (response: Response) => [response.status, (await jsonOf(response)).error];
const notKnown = [401, "invalid_client"];

describe("a client in the options that has a secret", () => {
  it("redeems its code by the secret, in either way, and reads no record of a client for it", async () => {
    const store = createInMemoryRepositories();
    const clients = gated(store.clients);
    const harness = open({ ...store, clients }, [clientWith(secret)]);
    const posted = await codeFor(harness);
    expect((await harness.redeem(posted, { redirect_uri: redirectUri, client_secret: secret })).status).toBe(200);

    const { code, verifier } = await codeFor(harness);
    const form = { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: redirectUri };
    expect((await harness.postForm("/token", form, basic(secret))).status).toBe(200);
    expect(clients.calls).toEqual({ get: 0, set: 0, delete: 0, take: 0, add: 0 });
  });

  it.each<[string, Record<string, string>]>([
    ["no secret", {}],
    ["an empty secret", { client_secret: "" }],
    ["another secret", { client_secret: nextSecret }],
    ["the beginning of the secret", { client_secret: secret.slice(0, -1) }],
  ])("does not redeem its code with %s", async (_, credentials) => {
    const harness = open(createInMemoryRepositories(), [clientWith(secret)]);
    const issued = await codeFor(harness);
    const redeem = (shown: Record<string, string>) => harness.redeem(issued, { redirect_uri: redirectUri, ...shown });
    expect(await answerOf(await redeem(credentials))).toEqual(notKnown);
    expect((await redeem({ client_secret: secret })).status).toBe(200);
  });

  it("is known by the secret that the options have now, not by the one that they had at the login", async () => {
    const store = createInMemoryRepositories();
    const issued = await codeFor(open(store, [clientWith(secret)]));
    const after = open(store, [clientWith(nextSecret)]);
    const redeem = (clientSecret: string) =>
      after.redeem(issued, { redirect_uri: redirectUri, client_secret: clientSecret });
    expect(await answerOf(await redeem(secret))).toEqual(notKnown);
    expect((await redeem(nextSecret)).status).toBe(200);
  });

  it("is nobody to an instance whose options do not name it, with its secret or without", async () => {
    const store = createInMemoryRepositories();
    const issued = await codeFor(open(store, [clientWith(secret)]));
    const other = open(store, []);
    for (const credentials of [{ client_secret: secret }, {}]) {
      expect(await answerOf(await other.redeem(issued, { redirect_uri: redirectUri, ...credentials }))).toEqual(
        notKnown,
      );
    }
  });

  it("has nothing of its secret in the record of its code, which a registered client has", async () => {
    const store = createInMemoryRepositories();
    const harness = open(store, [clientWith(secret)]);
    await codeFor(harness);
    const [[, configured] = []] = await recordsOf(store.authorizationCodes);
    expect(configured?.client).toEqual({
      tokenEndpointAuthMethod: "client_secret_post",
      grantTypes: ["authorization_code", "refresh_token"],
    });
    const { client_id } = await harness.register({ token_endpoint_auth_method: "client_secret_post" });
    await harness.codeFor(client_id);
    const records = await recordsOf(store.authorizationCodes);
    const registered = records.map(([, record]) => record).find(({ clientId }) => clientId === client_id);
    expect(registered?.client?.secretHash).toMatch(/^sha256-/);
  });
});
