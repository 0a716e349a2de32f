import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createInMemoryRepositories, type Repository } from "../../../src/index.ts";
import { failingOnce, recordedRepositories } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });

async function codeOf(harness: ProviderHarness, parameters: Record<string, string> = {}, metadata = {}) {
  const { client_id, client_secret } = await harness.register(metadata);
  const { verifier, challenge } = pkce();
  const redirect = await harness.logIn({ client_id, code_challenge: challenge, ...parameters });
  const code = redirect.searchParams.get("code") ?? "";
  const form = {
    grant_type: "authorization_code",
    client_id,
    code,
    code_verifier: verifier,
    ...(client_secret !== undefined && { client_secret }),
  };
  return { client_id, form, redeem: (changes = {}) => harness.postForm("/token", { ...form, ...changes }) };
}

/** The record that a repository has, which has one. */
async function onlyRecordOf<V>(repository: Repository<string, V>): Promise<[string, V]> {
  const [only] = await recordsOf(repository);
  if (only === undefined) throw new Error("There is none.");
  return only;
}

describe("an authorization code", () => {
  it("works once, and a second use ends what the first one issued", async () => {
    const harness = start();
    const { redeem, client_id } = await codeOf(harness);
    const tokens = await jsonOf(await redeem());
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);

    const replay = await redeem();

    expect(replay.status).toBe(400);
    expect((await jsonOf(replay)).error).toBe("invalid_grant");
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    const refreshed = await harness.refresh({ clientId: client_id, refresh_token: tokens.refresh_token });
    expect([refreshed.status, (await jsonOf(refreshed)).error]).toEqual([400, "invalid_grant"]);
  });

  it.each([181, 15 * 60, 50 * 60, 80 * 24 * 3600])(
    "ends what it issued when it is used again %i seconds later, though its own record is gone",
    async (seconds) => {
      const clock = new ManualClock();
      const repositories = createInMemoryRepositories({ clock: clock.read });
      const harness = start({ clock: clock.read, repositories, refreshTokenLifetimeSeconds: 90 * 24 * 3600 });
      const { redeem, client_id } = await codeOf(harness);
      const first = await jsonOf(await redeem());
      clock.advanceSeconds(seconds);
      expect(await recordsOf(repositories.authorizationCodes)).toEqual([]);
      const tokens = await jsonOf(await harness.refresh({ clientId: client_id, refresh_token: first.refresh_token }));
      expect(await harness.mcpStatus(tokens.access_token)).toBe(200);

      expect((await jsonOf(await redeem())).error).toBe("invalid_grant");

      expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
      expect((await harness.refresh({ clientId: client_id, refresh_token: tokens.refresh_token })).status).toBe(400);
    },
  );

  it.each(["https://user:pass@[::1]:99999/#", "https://", "HTTP://a b/", "https://%zz/client.json", "__proto__"])(
    "is refused to a client that calls itself %s, and stays good for its own",
    async (client_id) => {
      const { redeem } = await codeOf(start());
      const refusal = await redeem({ client_id });
      expect([refusal.status, (await jsonOf(refusal)).error]).toEqual([401, "invalid_client"]);
      expect((await redeem()).status).toBe(200);
    },
  );

  it("ends what it issued when its client's id shows it again, with the verifier or without", async () => {
    const harness = start();
    const { redeem } = await codeOf(harness);
    const { access_token } = await jsonOf(await redeem());
    expect((await jsonOf(await redeem({ code_verifier: pkce().verifier }))).error).toBe("invalid_grant");
    expect(await harness.mcpStatus(access_token)).toBe(401);
  });

  it("gives tokens to one of fifty concurrent requests at the most, and the replays end them", async () => {
    const harness = start();
    const { redeem } = await codeOf(harness);

    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem()));

    const granted = answers.filter((answer) => answer.status === 200);
    expect(granted.length).toBeLessThanOrEqual(1);
    expect(answers.filter((answer) => answer.status === 400).length).toBe(50 - granted.length);
    for (const answer of granted) expect(await harness.mcpStatus((await jsonOf(answer)).access_token)).toBe(401);
  });

  it.each([
    ["a wrong verifier", { code_verifier: pkce().verifier }, "invalid_grant"],
    ["no valid verifier", { code_verifier: "short" }, "invalid_grant"],
    ["another redirect URI", { redirect_uri: "http://127.0.0.1:4999/other" }, "invalid_grant"],
    ["a malformed redirect URI", { redirect_uri: "::" }, "invalid_grant"],
    ["another resource", { resource: "http://localhost:8000/other" }, "invalid_target"],
    ["a wrong client secret", { client_secret: "pmcp_cs_wrong" }, "invalid_client"],
    ["no client secret", { client_secret: "" }, "invalid_client"],
    ["an unknown client", { client_id: "nobody", client_secret: "" }, "invalid_client"],
  ])("is refused to %s, and left for its owner's corrected try", async (_, changes, error) => {
    const harness = start();
    const { redeem, client_id } = await codeOf(
      harness,
      { resource: "http://localhost:8000/mcp" },
      { token_endpoint_auth_method: "client_secret_post" },
    );
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect((await jsonOf(await redeem(changes))).error).toBe(error);
    }
    const answer = await redeem();
    expect(answer.status).toBe(200);
    const { access_token } = await jsonOf(answer);
    expect(await harness.mcpStatus(access_token)).toBe(200);
    expect((await harness.provider.verifyAccessToken(access_token)).clientId).toBe(client_id);
    expect((await jsonOf(await redeem())).error, "it is good once all the same").toBe("invalid_grant");
    expect(await harness.mcpStatus(access_token)).toBe(401);
  });

  it.each(["none", "client_secret_post"])(
    "is not another client's to redeem, and is left for its own, which authenticates by %s",
    async (token_endpoint_auth_method) => {
      const harness = start();
      const { form, redeem } = await codeOf(harness, {}, { token_endpoint_auth_method });
      const other = await harness.register();
      const { client_secret: _, ...shown } = form;
      const answer = await harness.postForm("/token", { ...shown, client_id: other.client_id });
      expect((await jsonOf(answer)).error).toBe("invalid_grant");
      expect((await redeem()).status).toBe(200);
    },
  );

  it.each([
    ["43 characters", "a".repeat(43), 200],
    ["128 characters of every kind", "aZ09-._~".repeat(16), 200],
    ["42 characters", "a".repeat(42), 400],
    ["129 characters", "a".repeat(129), 400],
    ["a character before it that is none", `!${"a".repeat(43)}`, 400],
    ["a character behind it that is none", `${"a".repeat(43)}!`, 400],
  ])(
    "is redeemed with a verifier of the form that PKCE gives it, whatever its hash: %s",
    async (_, verifier, status) => {
      const harness = start();
      const challenge = createHash("sha256").update(verifier).digest("base64url");
      const { redeem } = await codeOf(harness, { code_challenge: challenge });
      expect((await redeem({ code_verifier: verifier })).status).toBe(status);
    },
  );

  it("is for the resource that was authorized", async () => {
    const { redeem } = await codeOf(start(), { resource: "http://localhost:8000/mcp" });
    const answer = await redeem({ resource: "http://localhost:8000/other" });
    expect((await jsonOf(answer)).error).toBe("invalid_target");
  });

  it("hands on who has logged in: to its grant, its tokens and those that follow", async () => {
    const repositories = createInMemoryRepositories();
    const harness = start({ repositories });
    const { redeem, client_id } = await codeOf(harness);
    const subject = [...(await recordsOf(repositories.authorizationCodes))][0]?.[1].subject;
    expect(subject).toMatch(/^pui_/);
    const first = await jsonOf(await redeem());
    const next = await jsonOf(await harness.refresh({ clientId: client_id, refresh_token: first.refresh_token }));
    for (const { access_token } of [first, next]) {
      const { extra, clientId } = await harness.provider.verifyAccessToken(access_token);
      expect([extra.subject, clientId]).toEqual([subject, client_id]);
    }
    expect((await recordsOf(repositories.grants)).map(([, grant]) => grant.subject)).toEqual([subject]);
  });

  it.each(["is gone", "was altered"])("leads nowhere where its key in the store %s", async (what) => {
    const repositories = createInMemoryRepositories();
    const harness = start({ repositories });
    const { redeem } = await codeOf(harness);
    const [key, { wrappedKey: good = "", ...record }] = await onlyRecordOf(repositories.authorizationCodes);
    const altered = what === "is gone" ? {} : { wrappedKey: `${good.slice(0, -6)}AAAAAA` };
    await repositories.authorizationCodes.set(key, { ...record, ...altered });
    const answer = await redeem();
    expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "invalid_grant"]);
    expect(await recordsOf(repositories.grants)).toEqual([]);
  });

  it("whose record says nothing of its client and of a resource is good for an access token", async () => {
    const repositories = createInMemoryRepositories();
    const harness = start({ repositories });
    const { redeem } = await codeOf(harness, {}, { token_endpoint_auth_method: "none" });
    const [key, { client: _, resource: __, ...record }] = await onlyRecordOf(repositories.authorizationCodes);
    await repositories.authorizationCodes.set(key, record);
    const answer = await redeem({ resource: "http://localhost:8000/mcp" });
    expect(answer.status).toBe(200);
    expect(await jsonOf(answer)).not.toHaveProperty("refresh_token");
  });

  it("leads nowhere once the login that it began was ended, though its tokens are not there yet", async () => {
    const inner = createInMemoryRepositories();
    const accessTokens = failingOnce(inner.accessTokens);
    const harness = start({ repositories: { ...inner, accessTokens: accessTokens.repository } });
    const { redeem } = await codeOf(harness);
    accessTokens.failNext("add", "before");
    expect((await redeem()).status).toBe(503);
    const [grantId] = await onlyRecordOf(inner.grants);
    expect(await harness.provider.revokeGrant(grantId)).toBe(true);
    const answer = await redeem();
    expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "invalid_grant"]);
    expect(await recordsOf(inner.accessTokens)).toEqual([]);
  });

  it("expires after a minute", async () => {
    const clock = new ManualClock();
    const { redeem } = await codeOf(start({ clock: clock.read }));
    clock.advanceSeconds(60);
    expect((await jsonOf(await redeem())).error).toBe("invalid_grant");
  });

  it.each([
    ["refresh tokens too", ["authorization_code", "refresh_token"]],
    ["access tokens only", ["authorization_code"]],
  ])("is good once though its access token is over before it is, for %s", async (_, grant_types) => {
    for (const wait of [0, 1, 5, 6, 20, 40, 59, 61]) {
      const clock = new ManualClock();
      const harness = start({ clock: clock.read, accessTokenLifetimeSeconds: 5, grantLifetimeSeconds: 10 });
      const { redeem, client_id } = await codeOf(harness, {}, { grant_types });
      const { access_token, refresh_token } = await jsonOf(await redeem());
      expect(await harness.mcpStatus(access_token)).toBe(200);
      clock.advanceSeconds(wait);
      expect((await jsonOf(await redeem())).error, `${wait} seconds later`).toBe("invalid_grant");
      expect(await harness.mcpStatus(access_token)).toBe(401);
      if (refresh_token !== undefined) {
        expect((await harness.refresh({ clientId: client_id, refresh_token })).status).toBe(400);
      }
    }
  });

  it("of a confidential client is not redeemed without the secret", async () => {
    const harness = start();
    const { client_id, client_secret = "" } = await harness.register({
      token_endpoint_auth_method: "client_secret_post",
    });
    const code = await harness.codeFor(client_id);
    const missing = await harness.redeem(code);
    expect([missing.status, (await jsonOf(missing)).error]).toEqual([401, "invalid_client"]);
    const answer = await harness.redeem(code, { client_secret });
    expect(answer.status).toBe(200);
    const tokens = await jsonOf(answer);
    const refresh = { clientId: client_id, refresh_token: tokens.refresh_token };
    const unproven = await harness.refresh(refresh);
    expect([unproven.status, (await jsonOf(unproven)).error]).toEqual([401, "invalid_client"]);
    expect((await harness.refresh(refresh, { client_secret })).status).toBe(200);
  });

  it("that was never issued is refused without a call to the store", async () => {
    const { repositories, calls } = recordedRepositories();
    const harness = start({ repositories });
    const { client_id, form } = await codeOf(harness);
    const end = form.code.endsWith("0") ? "1" : "0";
    const codes = ["guess", "pmcp_ac_", form.code.slice(0, -1), form.code.slice(0, -1) + end];
    for (const code of codes) {
      calls.length = 0;
      const answer = await harness.redeem({ clientId: client_id, code, verifier: form.code_verifier });
      expect((await jsonOf(answer)).error).toBe("invalid_grant");
      expect(calls).toEqual([]);
    }
    // Who shows a secret is told first whether it is the client's.
    const [code = ""] = codes;
    const proven = { grant_type: "authorization_code", code, code_verifier: form.code_verifier };
    const confidential = await harness.register({ token_endpoint_auth_method: "client_secret_post" });
    const shown = { client_id: confidential.client_id, client_secret: "x" };
    expect((await jsonOf(await harness.postForm("/token", { ...proven, ...shown }))).error).toBe("invalid_client");
  });
});
