import { describe, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../../src/index.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();
const day = 86_400;

/** A provider, and how often it has told the upstream that a session is over. */
function opened(options = {}) {
  const clock = new ManualClock();
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const ended: string[] = [];
  const counting = async (request: Request): Promise<Response> => {
    if (request.url.endsWith("/revoke")) ended.push(request.url);
    return fetch(request);
  };
  const settings = { ...providerOptions(emulator.issuerUrl), clock: clock.read, repositories, fetch: counting };
  return { clock, repositories, ended, harness: new ProviderHarness({ ...settings, ...options }) };
}

describe("a code that is shown too late", () => {
  it.each([
    ["by its client", {}, true],
    ["by its client, and once more", { times: 2 }, true],
    ["with another verifier", { changes: { code_verifier: "x".repeat(43) } }, false],
    ["for another redirect URI", { changes: { redirect_uri: "http://127.0.0.1:1/other" } }, false],
    ["by another client", { isForeign: true }, false],
    ["with an altered mark", { isAltered: true }, false],
  ])("%s, ends the user's upstream session or lets it be", async (_, how, isEnded) => {
    const {
      times = 1,
      changes = {},
      isForeign = false,
      isAltered = false,
    } = { ...how } as {
      times?: number;
      changes?: Record<string, string>;
      isForeign?: boolean;
      isAltered?: boolean;
    };
    const { clock, harness, ended, repositories } = opened();
    const own = await harness.codeFor((await harness.register()).client_id);
    const clientId = isForeign ? (await harness.register()).client_id : own.clientId;
    const code = isAltered ? `${own.code.slice(0, -4)}AAAA` : own.code;
    clock.advanceSeconds(61);
    for (let time = 0; time < times; time += 1) {
      const answer = await harness.redeem({ ...own, clientId, code }, changes);
      expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "invalid_grant"]);
    }
    expect(ended.length > 0).toBe(isEnded);
    expect(await recordsOf(repositories.grants)).toHaveLength(isEnded ? 1 : 0);
    // Nobody has taken back what the person has allowed.
    expect(await recordsOf(repositories.consentRevocations)).toEqual([]);
  });
});

describe("an unused refresh token that is shown too late", () => {
  it.each([
    ["as long as an access token of its grant may live", 30 * day + 60, false],
    ["when nothing of its grant can live", 30 * day + 3_600 + 120 + 600, true],
  ])("%s, ends the user's upstream session or lets it be", async (_, seconds, isEnded) => {
    const { clock, harness, ended, repositories } = opened();
    const tokens = await harness.tokens();
    clock.advanceSeconds(seconds);
    const answer = await harness.refresh(tokens);
    expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "invalid_grant"]);
    expect(ended.length > 0).toBe(isEnded);
    expect(await recordsOf(repositories.consentRevocations)).toEqual([]);
  });

  it("lets the session be where its grant has gone on without it", async () => {
    const lifetimes = { accessTokenLifetimeSeconds: 10, refreshTokenLifetimeSeconds: 600, refreshGraceSeconds: 600 };
    const { clock, harness, ended } = opened({ ...lifetimes, clockToleranceSeconds: 0 });
    const first = await harness.tokens();
    const second = { ...first, ...(await jsonOf(await harness.refresh(first))) };
    clock.advanceSeconds(599);
    const third = { ...first, ...(await jsonOf(await harness.refresh(second))) };
    clock.advanceSeconds(590);
    expect((await harness.refresh(first)).status).toBe(400);
    expect(ended).toEqual([]);
    expect((await harness.refresh(third)).status).toBe(200);
  });
});
