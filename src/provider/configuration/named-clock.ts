import { randomBytes } from "node:crypto";

/** A clock with a name. Times under one name are in the order in which they were read. */
export interface NamedClock {
  /** The time in epoch seconds, with a fraction. */
  readonly now: () => number;
  /** The name that the clock has now, which no other clock has. One that was set back is another clock, with another name. */
  readonly clockName: () => string;
}

/**
 * Names a clock. Whoever compares two times needs to know whether one clock gave them in order. A clock that was set back
 * between them did not, and such times compare like those of two instances.
 *
 * @param clock - The time in milliseconds since the epoch.
 */
export function namedClock(clock: () => number): NamedClock {
  let latest = clock();
  let name = randomName();
  const read = () => {
    const time = clock();
    if (time < latest) name = randomName();
    latest = time;
    return time;
  };
  const clockName = () => {
    read();
    return name;
  };
  return { now: () => read() / 1000, clockName };
}

/** A name that nobody else has. */
export function randomName(): string {
  return randomBytes(9).toString("base64url");
}
