import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";

/**
 * Starts what the tests need, and ends it after them in the opposite order. Where a start fails, what was started before
 * it is ended too.
 *
 * @param per - Whether this happens once for the file (or the `describe` that calls this), or for each test.
 * @param start - Puts whatever is to be ended into `parts`.
 */
export function setUp(per: "file" | "test", start: (parts: AsyncDisposableStack) => Promise<unknown>): void {
  let parts: AsyncDisposableStack | undefined;
  const [before, after] = per === "file" ? [beforeAll, afterAll] : [beforeEach, afterEach];
  before(async () => {
    parts = new AsyncDisposableStack();
    await start(parts);
  });
  after(() => parts?.disposeAsync());
}
