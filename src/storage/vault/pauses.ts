import type { VaultRepositorySettings } from "./options.ts";

/** The pauses between looks at what another caller is doing, in milliseconds. */
const firstPause = 50;
const longestPause = 1_000;

/** What bounds the wait for another caller, and what a test replaces. */
export type PauseSettings = Pick<VaultRepositorySettings, "timeout" | "delay">;

/** Turns with ever longer pauses between them. They end when the pauses have taken the time that one call may take. */
export async function* pauses({ timeout, delay }: PauseSettings): AsyncGenerator<void, void, undefined> {
  for (let pause = firstPause, waited = 0; waited < timeout; pause = Math.min(2 * pause, longestPause)) {
    yield;
    await delay(pause);
    waited += pause;
  }
}
