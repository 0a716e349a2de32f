import { setTimeout } from "node:timers/promises";
import type { LatencyFault } from "./fault.ts";

/** Lets a time in milliseconds pass. Ends early, without an error, when the signal aborts. */
export type Delay = (milliseconds: number, signal: AbortSignal) => Promise<void>;

/** The 99th percentile of the standard normal distribution. */
const standardNormalPercentile99 = 2.3263478740408408;

/** Waits on the real clock, without keeping the process alive for it. */
export const realDelay: Delay = (milliseconds, signal) =>
  setTimeout(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);

/** Draws the time that one request takes longer, in milliseconds. */
export function drawLatency(milliseconds: LatencyFault["milliseconds"], random: () => number): number {
  if (typeof milliseconds === "number") return milliseconds;
  if ("minimum" in milliseconds) {
    return milliseconds.minimum + random() * (milliseconds.maximum - milliseconds.minimum);
  }
  const { median, percentile99 } = milliseconds;
  // Box-Muller; 1 - random() is never 0.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp((Math.log(percentile99 / median) / standardNormalPercentile99) * normal);
}
