/** Runs something, and gives back the failures that nobody has handled: each of them would have ended the process. */
export async function unheardFailures(run: () => Promise<unknown>): Promise<unknown[]> {
  const failures: unknown[] = [];
  const note = (failure: unknown): void => void failures.push(failure);
  // The test framework listens itself, and takes them for failures of the test.
  const [onRejection, onException] = [process.listeners("unhandledRejection"), process.listeners("uncaughtException")];
  process.removeAllListeners("unhandledRejection").on("unhandledRejection", note);
  process.removeAllListeners("uncaughtException").on("uncaughtException", note);
  try {
    await run();
    await new Promise(setImmediate);
    return failures;
  } finally {
    process.off("unhandledRejection", note).off("uncaughtException", note);
    for (const listener of onRejection) process.on("unhandledRejection", listener);
    for (const listener of onException) process.on("uncaughtException", listener);
  }
}
