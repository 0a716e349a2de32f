import type { Finding } from "./finding.ts";

/** How far two clocks may be apart without a word, in seconds. */
const tolerated = 5;
/** How far apart they make records end too early or too late to be used, in seconds. */
const harmful = 60;

/**
 * Compares the clock of this machine with another one.
 *
 * @param whose - Names the other clock, as the subject of a sentence.
 * @param ahead - How far this machine's clock is ahead, in seconds.
 */
export function clockFinding(check: string, whose: string, ahead: number): Finding {
  const apart = Math.round(Math.abs(ahead));
  const direction = ahead > 0 ? "ahead of" : "behind";
  if (apart <= tolerated) return { check, status: "ok", what: `This machine's clock agrees with that of ${whose}.` };
  return {
    check,
    status: apart > harmful ? "error" : "warning",
    what: `This machine's clock is ${apart} seconds ${direction} that of ${whose}.`,
    why: "What is good for a short time, such as a login or a code, is over too early or too late.",
    remedy: "Set the clocks of all machines by NTP.",
  };
}
