import { describe, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { type IssuedTokens, ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

/** Two instances over one store, whose clocks are two minutes apart. */
function instances(options = {}) {
  const clock = new ManualClock();
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const settings = { ...providerOptions(emulator.issuerUrl), repositories, ...options };
  return {
    clock,
    early: new ProviderHarness({ ...settings, clock: clock.read }),
    late: new ProviderHarness({ ...settings, clock: () => clock.read() + 120_000 }),
  };
}

async function next(harness: ProviderHarness, tokens: IssuedTokens, changes = {}): Promise<IssuedTokens> {
  const answer = await harness.refresh(tokens, changes);
  expect(answer.status).toBe(200);
  return { ...tokens, ...(await jsonOf(answer)) };
}

it.each(["user admin", "admin", undefined])(
  "a process that shows a spent token for %j gets what the first one was given, and no more",
  async (scope) => {
    const { clock, early, late } = instances();
    const shared = await early.tokens({ scope: "user admin" });
    const first = await next(early, shared, { scope: "user" });
    clock.advanceSeconds(3_600);
    for (const harness of [early, late]) {
      const again = await next(harness, shared, scope === undefined ? {} : { scope });
      // The access token has ended with its time, and another one stands in its place.
      expect([again.scope, again.refresh_token]).toEqual(["user", first.refresh_token]);
      expect((await harness.provider.verifyAccessToken(again.access_token)).scopes).toEqual(["user"]);
    }
  },
);

describe("after a reuse", () => {
  it.each(["early", "late"] as const)(
    "that the %s instance has noticed nothing opens anything anywhere",
    async (noticing) => {
      const { clock, early, late } = instances();
      const stolen = await early.tokens();
      const second = await next(late, stolen);
      const third = await next(early, second);
      // By then the grace is over for every clock.
      clock.advanceSeconds(300);
      expect((await { early, late }[noticing].refresh(stolen)).status).toBe(400);
      for (const harness of [early, late]) {
        for (const tokens of [stolen, second, third]) {
          expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
          expect((await harness.refresh(tokens)).status).toBe(400);
        }
      }
    },
  );

  it("that is refused only, the token that was shown is of no use, ever", async () => {
    const { clock, early, late } = instances({ onRefreshReuse: "refuse" });
    const stolen = await early.tokens();
    let last = await next(early, await next(early, stolen));
    for (const seconds of [300, 3_600, 86_400, 20 * 86_400]) {
      clock.advanceSeconds(seconds);
      for (const harness of [early, late]) expect((await harness.refresh(stolen)).status).toBe(400);
      last = await next(late, last);
    }
    expect(await early.mcpStatus(last.access_token)).toBe(200);
  });
});
