import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type PangeaEmulator, startPangeaEmulator } from "../../src/emulator.ts";
import { createRepositories, inOneProcess, KeyRing, sealed } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { type IssuedTokens, ProviderHarness, providerOptions } from "../support/provider-harness.ts";

const day = 24 * 60 * 60;

let emulator: PangeaEmulator;
beforeAll(async () => {
  vi.spyOn(process, "emitWarning").mockReturnValue(undefined);
  emulator = await startPangeaEmulator();
});
afterAll(() => emulator.close());

let clock: ManualClock;
/** What is stored, as somebody sees and changes it who can write to the store and has no secret. */
let store: Map<string, string>;
let harness: ProviderHarness;
beforeEach(() => {
  clock = new ManualClock();
  store = new Map();
  const keys = KeyRing.from("the secret that records are sealed under");
  const repositories = createRepositories((schema, kind) => {
    const codec = sealed(schema, keys);
    const at = (key: string) => `${kind} ${key}`;
    const basic = {
      get: async (key: string) => {
        const text = store.get(at(key));
        return text === undefined ? undefined : codec.decode(text, { repository: kind, key });
      },
      set: async (key: string, value: Parameters<typeof codec.encode>[0]) => {
        store.set(at(key), codec.encode(value, { repository: kind, key }));
      },
      delete: async (key: string) => store.delete(at(key)),
    };
    return inOneProcess(basic, { clock: clock.read });
  });
  // The client outlives the login.
  const clientRegistration = { unusedLifetimeSeconds: 365 * day };
  const settings = { ...providerOptions(emulator.issuerUrl), clientRegistration };
  harness = new ProviderHarness({ ...settings, repositories, clock: clock.read });
});

const revoke = ({ clientId, refresh_token: token }: IssuedTokens) =>
  harness.postForm("/revoke", { client_id: clientId, token });

function putBack(records: ReadonlyMap<string, string>): void {
  store.clear();
  for (const [place, text] of records) store.set(place, text);
}

it("what is put back ends when it would have ended: an access token within the hour, a login within its 90 days", async () => {
  const tokens = await harness.tokens();
  const before = new Map(store);
  await revoke(tokens);
  expect(await harness.mcpStatus(tokens.access_token)).toBe(401);

  // As SECURITY.md says, no server can tell that the records are older than those that were there.
  putBack(before);
  expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  clock.advanceSeconds(3601);
  putBack(before);
  expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
  expect((await harness.refresh(tokens)).status).toBe(200);
  clock.advanceSeconds(90 * day + 1);
  putBack(before);
  expect((await harness.refresh(tokens)).status).toBe(400);
  expect((await harness.redeem(tokens)).status).toBe(400);
});

it("a record opens in its own place only, so nobody's revoked login lives on another's", async () => {
  const [victims, mallorys] = [await harness.tokens(), await harness.tokens()];
  const before = new Map(store);
  await revoke(mallorys);
  const gone = [...store].filter(([place, text]) => before.get(place) !== text).map(([place]) => place);
  const tried = new Set<string | undefined>();
  for (const place of gone) {
    const kind = place.split(" ")[0];
    tried.add(kind);
    const others = [...before].filter(([other]) => other !== place && other.split(" ")[0] === kind);
    // That the person's consents are forgotten is written down for the first time.
    if (kind !== "consent_revocation") expect(others.length, kind).toBeGreaterThan(0);
    const after = new Map(store);
    for (const [, text] of others) {
      store.set(place, text);
      expect(await harness.mcpStatus(mallorys.access_token)).not.toBe(200);
      expect((await harness.refresh(mallorys)).status).not.toBe(200);
    }
    putBack(after);
  }
  expect(tried).toContain("grant");
  expect(await harness.mcpStatus(victims.access_token), "nobody else is disturbed").toBe(200);
});

it("a spent refresh token that is made unspent leads to the same successor, and never to a second line of tokens", async () => {
  const first = await harness.tokens();
  const before = new Map(store);
  const second = await jsonOf(await harness.refresh(first));
  putBack(before);
  const again = await jsonOf(await harness.refresh(first));
  expect([again.access_token, again.refresh_token]).toEqual([second.access_token, second.refresh_token]);
});
