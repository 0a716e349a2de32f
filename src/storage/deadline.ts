import { withResolvers } from "./with-resolvers.ts";

/**
 * Waits for an answer until a deadline. Whoever gives the answer is not told to stop: an answer past the deadline goes
 * unheard.
 *
 * @param milliseconds - The time that the answer has. Less than 0 counts as 0.
 * @param failure - Makes the error that the caller gets when the time is over.
 */
export async function beforeDeadline<T>(milliseconds: number, answer: Promise<T>, failure: () => Error): Promise<T> {
  const { promise: over, reject } = withResolvers<never>();
  const timer = setTimeout(() => reject(failure()), Math.max(0, milliseconds)).unref();
  try {
    return await Promise.race([answer, over]);
  } finally {
    clearTimeout(timer);
  }
}
