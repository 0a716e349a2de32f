import { once } from "node:events";

/** Waits until the process is told to stop: by Ctrl-C, or by a signal of whoever started it. */
export async function stopped(): Promise<void> {
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
}
