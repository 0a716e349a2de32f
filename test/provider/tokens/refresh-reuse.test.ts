import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../../src/index.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type IssuedTokens, ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const open = (options = {}) => new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });
const errorOf = async (answer: Response) => [answer.status, (await jsonOf(answer)).error];

/** Refreshes, and takes it for granted that this goes well. */
async function next(harness: ProviderHarness, tokens: IssuedTokens): Promise<IssuedTokens> {
  const answer = await harness.refresh(tokens);
  expect(answer.status).toBe(200);
  return { ...tokens, ...(await jsonOf(answer)) };
}

describe("instances whose clocks are apart", () => {
  /** Two instances over one store, whose clocks are this far apart, and one of which begins. */
  function apart(seconds: number, options = {}) {
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const early = open({ clock: clock.read, repositories, ...options });
    const late = open({ clock: () => clock.read() + seconds * 1000, repositories, ...options });
    return { clock, early, late };
  }

  it.each([120, -120, 0])("by %i seconds end no login of several processes", async (seconds) => {
    const { clock, early, late } = apart(seconds);
    const first = await early.tokens();
    const second = await next(early, first);
    let last = await next(early, second);
    // The other processes of the client come a moment later, to the other instance.
    for (const wait of [0, 1, 10, 18]) {
      clock.advanceSeconds(wait);
      expect((await next(late, first)).access_token).toBe(second.access_token);
      expect((await next(late, second)).access_token).toBe(last.access_token);
    }
    for (let round = 0; round < 6; round += 1) {
      const spent = last;
      last = await next(round % 2 === 0 ? late : early, last);
      const [one, other] = [await next(early, spent), await next(late, spent)];
      expect([one.access_token, other.access_token]).toEqual([last.access_token, last.access_token]);
      clock.advanceSeconds(3_600);
    }
    expect(await early.mcpStatus((await next(late, last)).access_token)).toBe(200);
  });

  it.each([
    [{}, 120],
    [{ clockToleranceSeconds: 300 }, 300],
    [{ clockToleranceSeconds: 10, refreshGraceSeconds: 600 }, 10],
    [{ clockToleranceSeconds: 300, refreshGraceSeconds: 600 }, 300],
    [{ clockToleranceSeconds: 0 }, 0],
  ])("count with %j as %i seconds apart at the most", async (options, tolerance) => {
    const { refreshGraceSeconds = 30 } = { refreshGraceSeconds: 30, ...options };
    for (const isReuse of [false, true]) {
      const { clock, early, late } = apart(0, options);
      const first = await early.tokens();
      const last = await next(early, await next(early, first));
      clock.advanceSeconds(refreshGraceSeconds + tolerance - (isReuse ? 0 : 1));
      expect((await late.refresh(first)).status).toBe(isReuse ? 400 : 200);
      expect((await early.refresh(last)).status).toBe(isReuse ? 400 : 200);
    }
  });

  it("change nothing for the instance itself: it has one clock", async () => {
    const { clock, early } = apart(120, { clockToleranceSeconds: 300 });
    const first = await early.tokens();
    await next(early, await next(early, first));
    clock.advanceSeconds(29);
    expect((await early.refresh(first)).status).toBe(200);
    clock.advanceSeconds(1);
    expect((await early.refresh(first)).status).toBe(400);
  });
});

describe('reuse with onRefreshReuse: "refuse"', () => {
  it.each([31, 86_400])("%i seconds after the successor's use is refused, and the login goes on", async (seconds) => {
    const clock = new ManualClock();
    const harness = open({ clock: clock.read, onRefreshReuse: "refuse" });
    const first = await harness.tokens();
    const second = await next(harness, first);
    let last = await next(harness, second);
    clock.advanceSeconds(seconds);
    const told: unknown[] = [];
    const listen = (event: unknown) => told.push(event);
    subscribe("pangea-authn-fastmcp:reuse-detected", listen);
    try {
      expect(await errorOf(await harness.refresh(first))).toEqual([400, "invalid_grant"]);
    } finally {
      unsubscribe("pangea-authn-fastmcp:reuse-detected", listen);
    }
    expect(told).toEqual([expect.objectContaining({ clientId: first.clientId, credential: "refresh_token" })]);
    expect(await harness.mcpStatus(last.access_token)).toBe(seconds < 3_600 ? 200 : 401);
    for (let round = 0; round < 3; round += 1) last = await next(harness, last);
    expect(await harness.mcpStatus(last.access_token)).toBe(200);
    // A code that is used again still ends what it led to.
    expect(await errorOf(await harness.redeem(first))).toEqual([400, "invalid_grant"]);
    expect(await harness.mcpStatus(last.access_token)).toBe(401);
  });
});
