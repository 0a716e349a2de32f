import { describe, expect, it } from "vitest";
import type { LatencyFault } from "../../../src/emulator/faults/fault.ts";
import { drawLatency } from "../../../src/emulator/faults/latency.ts";
import { seededRandom } from "../../../src/emulator/faults/seeded-random.ts";

function drawMany(milliseconds: LatencyFault["milliseconds"], seed = 7): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: 10_000 }, () => drawLatency(milliseconds, random)).sort((left, right) => left - right);
}

describe("a drawn latency", () => {
  it("is the number, where it is one", () => {
    expect(new Set(drawMany(20))).toEqual(new Set([20]));
  });

  it("spreads evenly over a range", () => {
    const draws = drawMany({ minimum: 10, maximum: 30 });
    expect(draws[0]).toBeGreaterThanOrEqual(10);
    expect(draws.at(-1)).toBeLessThan(30);
    expect(draws[2500]).toBeCloseTo(15, 0);
    expect(draws[7500]).toBeCloseTo(25, 0);
  });

  it("has the median and the 99th percentile given", () => {
    const draws = drawMany({ median: 20, percentile99: 200 });
    expect(Math.abs((draws[5000] ?? 0) - 20)).toBeLessThan(1);
    expect(Math.abs((draws[9900] ?? 0) - 200)).toBeLessThan(20);
  });

  it("is the same again with the same seed, and other with another", () => {
    expect(drawMany({ minimum: 0, maximum: 1 }, 1)).toEqual(drawMany({ minimum: 0, maximum: 1 }, 1));
    expect(drawMany({ minimum: 0, maximum: 1 }, 1)).not.toEqual(drawMany({ minimum: 0, maximum: 1 }, 2));
  });
});
