import { expect } from "vitest";
import { ConfigurationError } from "../../src/index.ts";

/** A setting that is wrong, what is made of it, and how the error begins or what it says. */
export type Mistake = readonly [mistake: string, make: () => unknown, message: RegExp];

/** What is made of a wrong setting is refused at once, or by the promise that it gives, in these words. */
export async function expectRefusal(make: Mistake[1], message: Mistake[2]): Promise<void> {
  const failure = await Promise.resolve()
    .then(make)
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(failure).toBeInstanceOf(ConfigurationError);
  expect(failure).toMatchObject({ code: "ERR_CONFIGURATION", message: expect.stringMatching(message) });
}
