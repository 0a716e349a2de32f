import { expect, it } from "vitest";
import { changes } from "./drawn-request.ts";
import { endpoints } from "./endpoints.ts";
import { fuzz } from "./fuzz.ts";

// A million of them: npx node bench/fuzz.ts
it.each([1, 2, 3])(
  "answers thousands of hostile requests well, and honest ones between them: seed %i",
  async (seed) => {
    const report = await fuzz(seed, 10_000);
    expect(report.faults).toEqual([]);
    expect(report.crashes).toBe(0);
    for (const { name } of endpoints) expect(report.granted.get(name), `${name} was granted`).toBeGreaterThan(0);
    for (const kind of ["access_token", "authorization_code", "refresh_token", "client", "grant", "account_session"]) {
      expect(report.corrupted.get(kind), `corrupt ${kind} records were read`).toBeGreaterThan(0);
    }
    for (const [parameter, done] of report.covered) {
      expect(
        changes.filter((change) => !done.has(change)),
        `done to ${parameter}`,
      ).toEqual([]);
    }
  },
  // Ten thousand requests take five seconds on a machine that is free, and half a minute beside other tests.
  180_000,
);
