import { expect, it } from "vitest";
import { changes } from "./drawn-request.ts";
import { endpoints } from "./endpoints.ts";
import { fuzz, recordKinds } from "./fuzz.ts";

const seeds = [1, 2, 3];
/** What was done to each parameter, whatever the seed. */
const covered = new Map<string, Set<string>>();
/** How often a changed record was read, whatever the seed. */
const corrupted = new Map<string, number>();

// A million of them: npx node bench/fuzz.ts
it.each(seeds)(
  "answers thousands of hostile requests well, and honest ones between them: seed %i",
  async (seed) => {
    const report = await fuzz(seed, 10_000);
    expect(report.faults).toEqual([]);
    expect(report.crashes).toBe(0);
    for (const { name, isForbidden } of endpoints) {
      const granted = report.granted.get(name) ?? 0;
      if (isForbidden === true) expect(granted, `${name} was granted`).toBe(0);
      else expect(granted, `${name} was granted`).toBeGreaterThan(0);
    }
    for (const [kind, reads] of report.corrupted) corrupted.set(kind, (corrupted.get(kind) ?? 0) + reads);
    for (const [parameter, done] of report.covered) {
      covered.set(parameter, new Set([...(covered.get(parameter) ?? []), ...done]));
    }
  },
  // Ten thousand requests take five seconds on a machine that is free, and half a minute beside other tests.
  180_000,
);

it("has done everything to every parameter", () => {
  for (const [parameter, done] of covered) {
    const left = changes.filter((change) => !done.has(change));
    expect(left, `left to be done to ${parameter}`).toEqual([]);
  }
  expect(covered.size).toBeGreaterThan(0);
});

it.each(recordKinds)("has changed records of %s under the provider's hands", (kind) => {
  expect(corrupted.get(kind) ?? 0).toBeGreaterThan(0);
});
