import { expect, it } from "vitest";
import { createInMemoryRepositories } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

/** Two instances over one store. */
function instances(): ProviderHarness[] {
  const settings = { ...providerOptions(emulator.issuerUrl), repositories: createInMemoryRepositories() };
  return [new ProviderHarness(settings), new ProviderHarness(settings)];
}

/** Attempts that fail, and leave an unused code to its owner. */
const wrongs: Record<string, string>[] = [
  { code_verifier: "w".repeat(43) },
  { redirect_uri: "http://127.0.0.1:4999/other" },
  { resource: "https://other.example/mcp" },
  { client_id: "nobody" },
];

it.each(wrongs)("an attempt with %j puts no used code back", async (wrong) => {
  for (const at of [0, 1]) {
    const harnesses = instances();
    const [first = harnesses[0]] = harnesses;
    const failing = harnesses[at];
    if (first === undefined || failing === undefined) throw new Error("There are two instances.");
    const code = await first.codeFor((await first.register()).client_id);
    expect((await failing.redeem(code, wrong)).ok).toBe(false);
    const answer = await first.redeem(code);
    expect(answer.status).toBe(200);
    const tokens = await jsonOf(answer);

    expect((await failing.redeem(code, wrong)).ok).toBe(false);
    for (const harness of harnesses) expect((await harness.redeem(code)).status).toBe(400);
    // The second use has ended what the first one led to.
    for (const harness of harnesses) {
      expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
      expect((await harness.refresh({ ...code, ...tokens })).status).toBe(400);
    }
  }
});

it("of any number of attempts beside failing ones, one is answered at the most", async () => {
  const harnesses = instances();
  const [first] = harnesses;
  if (first === undefined) throw new Error("There are two instances.");
  const code = await first.codeFor((await first.register()).client_id);
  const attempts = harnesses.flatMap((harness) =>
    [...wrongs, {}, ...wrongs, {}].map((changes) => harness.redeem(code, changes)),
  );
  const granted = (await Promise.all(attempts)).filter(({ status }) => status === 200);
  expect(granted.length).toBeLessThanOrEqual(1);
  for (const answer of granted) expect(await first.mcpStatus((await jsonOf(answer)).access_token)).toBe(401);
});
