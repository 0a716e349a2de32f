import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createSqliteRepositories } from "../../../src/sqlite.ts";
import { fastDisk } from "../../support/fast-disk.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();
const folder = mkdtempSync(join(fastDisk(), "code-clocks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** Two instances over one store. The clock of the second one is this far ahead, and so is what it reads the store by. */
function apart(seconds: number, options = {}) {
  const clock = new ManualClock();
  const file = join(folder, `${files++}.db`);
  const open = (read: () => number) => {
    const repositories = createSqliteRepositories(file, { clock: read });
    const harness = new ProviderHarness({
      ...providerOptions(emulator.issuerUrl),
      ...options,
      clock: read,
      repositories,
    });
    return { harness, repositories };
  };
  return { clock, issuer: open(clock.read), other: open(() => clock.read() + seconds * 1000) };
}

describe("an authorization code that another instance redeems", () => {
  it.each([
    // By default instances may be two minutes apart.
    ["at once, where its clock is ahead of the code's end", 61, 0, {}, 200],
    ["at once, where its clock is far ahead", 179, 0, {}, 200],
    ["at once, where its clock is further ahead than that", 180, 0, {}, 400],
    ["within the minute, where its clock is ahead", 61, 59, {}, 200],
    ["after the minute, where its clock is right", 0, 60, {}, 200],
    ["after the minute and what clocks may be apart", 0, 180, {}, 400],
    ["as the option says", 61, 28, { clockToleranceSeconds: 30 }, 200],
    ["as the option says, and no longer", 61, 29, { clockToleranceSeconds: 30 }, 400],
    ["to the second, where the option says that clocks agree", 0, 60, { clockToleranceSeconds: 0 }, 400],
    ["at once, where its clock is behind", -300, 0, {}, 200],
  ])("is good %s", async (_, ahead, wait, options, status) => {
    const { clock, issuer, other } = apart(ahead, options);
    const code = await issuer.harness.codeFor((await issuer.harness.register()).client_id);
    clock.advanceSeconds(wait);
    const answer = await other.harness.redeem(code);
    expect(answer.status).toBe(status);
    if (status === 400) expect((await jsonOf(answer)).error).toBe("invalid_grant");
  });

  it.each([
    [59, {}, 200],
    [60, {}, 400],
    [60, { clockToleranceSeconds: 300 }, 400],
    [299, { authorizationCodeLifetimeSeconds: 300 }, 200],
    [300, { authorizationCodeLifetimeSeconds: 300 }, 400],
  ])("lives no longer than configured by the clock of who issued it: %i seconds with %j, %i", async (...row) => {
    const [wait, options, status] = row;
    const { clock, issuer } = apart(0, options);
    const code = await issuer.harness.codeFor((await issuer.harness.register()).client_id);
    clock.advanceSeconds(wait);
    expect((await issuer.harness.redeem(code)).status).toBe(status);
  });

  it("is good once: what it led to is ended by a second use where clocks are apart, and after its end too", async () => {
    for (const wait of [0, 59, 70, 150]) {
      const { clock, issuer, other } = apart(61);
      const code = await issuer.harness.codeFor((await issuer.harness.register()).client_id);
      const tokens = await jsonOf(await other.harness.redeem(code));
      clock.advanceSeconds(wait);
      expect((await issuer.harness.redeem(code)).status, `${wait} seconds later`).toBe(400);
      expect(await other.harness.mcpStatus(tokens.access_token)).toBe(401);
    }
  });

  it("was issued by an earlier version: it ends with its record", async () => {
    const { clock, issuer } = apart(0);
    const code = await issuer.harness.codeFor((await issuer.harness.register()).client_id);
    const { authorizationCodes } = issuer.repositories;
    const [[key, record] = []] = await recordsOf(authorizationCodes);
    if (key === undefined || record === undefined) throw new Error("It is stored.");
    const { endsAt: _, issuedBy: __, ...earlier } = record;
    await authorizationCodes.set(key, { ...earlier, expiresAt: clock.seconds(60) });
    clock.advanceSeconds(59);
    expect((await issuer.harness.redeem(code)).status).toBe(200);
  });
});
