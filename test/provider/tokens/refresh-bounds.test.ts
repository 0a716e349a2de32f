import { describe, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../../src/index.ts";
import { overtaken, recordedRepositories } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type IssuedTokens, ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const open = (options = {}) => new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });
const errorOf = async (answer: Response) => [answer.status, (await jsonOf(answer)).error];
const tokenCalls = (calls: readonly string[]) => calls.filter((call) => /^(?:access|refresh)_token /.test(call)).sort();

async function next(harness: ProviderHarness, tokens: IssuedTokens): Promise<IssuedTokens> {
  const answer = await harness.refresh(tokens);
  expect(answer.status).toBe(200);
  return { ...tokens, ...(await jsonOf(answer)) };
}

function opened() {
  const clock = new ManualClock();
  const repositories = createInMemoryRepositories({ clock: clock.read });
  return { clock, repositories, harness: open({ clock: clock.read, repositories }) };
}

describe("the calls of a refresh", () => {
  it("are one read for each token next to the shown one, and a write for each new one", async () => {
    const { repositories, calls } = recordedRepositories();
    const harness = open({ repositories });
    const first = await harness.tokens();
    const reads = (count: number) => Array.from({ length: count }, () => "refresh_token get");
    const adds = ["access_token add", "refresh_token add"];
    calls.length = 0;
    const second = await next(harness, first);
    expect(tokenCalls(calls)).toEqual([...adds, ...reads(3)].sort());
    calls.length = 0;
    await next(harness, second);
    expect(tokenCalls(calls)).toEqual([...adds, ...reads(4), "refresh_token set"].sort());
  });

  it("are reads only where its answer is given again", async () => {
    const clock = new ManualClock();
    const { repositories, calls } = recordedRepositories({ clock: clock.read });
    const harness = open({ clock: clock.read, repositories });
    const second = await next(harness, await harness.tokens());
    await next(harness, second);
    for (const seconds of [0, 20]) {
      clock.advanceSeconds(seconds);
      calls.length = 0;
      await next(harness, second);
      expect(new Set(tokenCalls(calls)), `${seconds} seconds later`).toEqual(
        new Set(["access_token get", "refresh_token get"]),
      );
    }
  });
});

describe("the end of a refresh token", () => {
  it("that was used is thirty seconds after the use of its successor", async () => {
    for (const [seconds, status] of [
      [29.999, 200],
      [30, 400],
    ] as const) {
      const { clock, harness } = opened();
      const first = await harness.tokens();
      await next(harness, await next(harness, first));
      clock.advanceSeconds(seconds);
      expect((await harness.refresh(first)).status, `${seconds} seconds`).toBe(status);
    }
  });

  it("that was not used is thirty days after it was issued, and the grant's at the latest", async () => {
    const { clock, harness } = opened();
    let tokens = await harness.tokens();
    for (const days of [29.999, 29.999, 29.999, 0.001, 0.001]) {
      clock.advanceSeconds(days * 86_400);
      tokens = await next(harness, tokens);
    }
    clock.advanceSeconds(0.001 * 86_400);
    expect(await errorOf(await harness.refresh(tokens))).toEqual([400, "invalid_grant"]);
  });
});

describe("the scopes of a refresh", () => {
  it.each([
    ["user offline_access", "user"],
    ["offline_access", "user admin"],
    ["", "user admin"],
  ])("that asks for %j are %j", async (scope, granted) => {
    const { harness } = opened();
    const answer = await jsonOf(await harness.refresh(await harness.tokens(), { scope }));
    expect([answer.scope, (await harness.provider.verifyAccessToken(answer.access_token)).scopes.join(" ")]).toEqual([
      granted,
      granted,
    ]);
  });
});

describe("a token that somebody else has added, and that is gone when it is looked for", () => {
  it.each([
    ["refreshTokens", [400, "invalid_grant"]],
    ["accessTokens", [200, undefined]],
  ] as const)("is no failure of the server: %s", async (kind, expected) => {
    const inner = createInMemoryRepositories();
    const { repository, begin } = overtaken<unknown>(inner[kind]);
    const harness = open({ repositories: { ...inner, [kind]: repository } });
    const tokens = await harness.tokens();
    begin();
    const answer = await harness.refresh(tokens);
    expect(await errorOf(answer.clone())).toEqual(expected);
    // An access token that is over is told as such, and the client comes back.
    expect((await jsonOf(answer)).expires_in).toBe(kind === "accessTokens" ? 0 : undefined);
  });
});

it("the record of a token that was retired is kept as long as it was said first", async () => {
  const { clock, repositories, harness } = opened();
  const second = await next(harness, await harness.tokens());
  await next(harness, second);
  const ends = async () => (await recordsOf(repositories.refreshTokens)).map(([, { expiresAt }]) => expiresAt).sort();
  const [first] = await ends();
  expect(first).toBe(clock.seconds(600 + 120));
  clock.advanceSeconds(20);
  await next(harness, second);
  expect((await ends())[0]).toBe(first);
});
