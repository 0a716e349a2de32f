import { describe, expect, it } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });

async function codeOf(harness: ProviderHarness, parameters: Record<string, string> = {}) {
  const { client_id } = await harness.register();
  const { verifier, challenge } = pkce();
  const redirect = await harness.logIn({ client_id, code_challenge: challenge, ...parameters });
  const code = redirect.searchParams.get("code") ?? "";
  const form = { grant_type: "authorization_code", client_id, code, code_verifier: verifier };
  return { client_id, form, redeem: (changes = {}) => harness.postForm("/token", { ...form, ...changes }) };
}

describe("an authorization code", () => {
  it("works once, and a second use ends what the first one issued", async () => {
    const harness = start();
    const { redeem } = await codeOf(harness);
    const tokens = await jsonOf(await redeem());
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);

    const replay = await redeem();

    expect(replay.status).toBe(400);
    expect((await jsonOf(replay)).error).toBe("invalid_grant");
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    const refreshed = await harness.postForm("/token", {
      grant_type: "refresh_token",
      client_id: (await harness.register()).client_id,
      refresh_token: tokens.refresh_token,
    });
    expect(refreshed.status).toBe(400);
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
    ["a wrong verifier", { code_verifier: pkce().verifier }],
    ["no valid verifier", { code_verifier: "short" }],
    ["another redirect URI", { redirect_uri: "http://127.0.0.1:4999/other" }],
    ["a malformed redirect URI", { redirect_uri: "::" }],
  ])("is burned by %s", async (_, changes) => {
    const { redeem } = await codeOf(start());
    const wrong = await redeem(changes);
    expect(wrong.status).toBe(400);
    expect((await jsonOf(wrong)).error).toBe("invalid_grant");
    expect((await jsonOf(await redeem())).error).toBe("invalid_grant");
  });

  it("is not another client's to redeem", async () => {
    const harness = start();
    const { redeem } = await codeOf(harness);
    const other = await harness.register();
    const answer = await redeem({ client_id: other.client_id });
    expect((await jsonOf(answer)).error).toBe("invalid_grant");
  });

  it("is for the resource that was authorized", async () => {
    const { redeem } = await codeOf(start(), { resource: "http://localhost:8000/mcp" });
    const answer = await redeem({ resource: "http://localhost:8000/other" });
    expect((await jsonOf(answer)).error).toBe("invalid_target");
  });

  it("expires after a minute", async () => {
    const clock = new ManualClock();
    const { redeem } = await codeOf(start({ clock: clock.read }));
    clock.advanceSeconds(60);
    expect((await jsonOf(await redeem())).error).toBe("invalid_grant");
  });

  it("that was never issued is refused without a call to the store", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const form = { grant_type: "authorization_code", client_id, code: "guess", code_verifier: pkce().verifier };
    expect((await jsonOf(await harness.postForm("/token", form))).error).toBe("invalid_grant");
  });
});
