import { afterEach, describe, expect, test, vi } from "vitest";
import { clusterOptions, redisOptions } from "../../../src/redis.ts";
import { retryDelay } from "../../../src/storage/redis/redis-options.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const neverTwice = { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 };

describe("the recommended settings", () => {
  test("send nothing late or twice", () => {
    expect(redisOptions()).toMatchObject({ ...neverTwice, enableOfflineQueue: false });
    expect(clusterOptions()).toMatchObject({
      enableAutoPipelining: false,
      scaleReads: "master",
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      redisOptions: neverTwice,
    });
  });

  test.each([
    [undefined, { connectTimeout: 5_000, socketTimeout: 5_000 }],
    [{ connectTimeout: 50 }, { connectTimeout: 50, socketTimeout: 5_000 }],
    [{ socketTimeout: 60 }, { connectTimeout: 5_000, socketTimeout: 60 }],
  ])("with the patience %j wait for %j", (patience, timeouts) => {
    expect(redisOptions(patience)).toMatchObject(timeouts);
    expect(clusterOptions(patience).redisOptions).toMatchObject(timeouts);
  });

  test("leave a primary behind Sentinels as soon as it is being replaced", () => {
    expect(redisOptions()).toMatchObject({ failoverDetector: true, sentinelReconnectStrategy: retryDelay });
  });

  test.each<object>([
    { connectTimeout: 0 },
    { socketTimeout: -1 },
    { connectTimeout: 5 },
    { socketTimeout: Number.NaN },
    { conectTimeout: 5_000 },
  ])("are not to be had with %j", (patience) => {
    for (const make of [redisOptions, clusterOptions]) {
      expect(() => make(patience)).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
    }
  });

  test("leave a primary that was demoted, and for no other error", () => {
    const { reconnectOnError } = redisOptions();
    expect(reconnectOnError(new Error("READONLY You can't write against a read only replica."))).toBe(true);
    expect(reconnectOnError(new Error("ERR this node is READONLY"))).toBe(false);
  });
});

test.each([
  [1, 25, 50],
  [2, 50, 100],
  [6, 800, 1_600],
  [7, 1_000, 2_000],
  [10_000, 1_000, 2_000],
])("before attempt %i a client waits between %i and %i ms", (attempt, least, most) => {
  const random = vi.spyOn(Math, "random");
  for (const { retry } of [
    { retry: retryDelay },
    { retry: redisOptions().retryStrategy },
    { retry: clusterOptions().clusterRetryStrategy },
  ]) {
    random.mockReturnValue(0);
    expect(retry(attempt)).toBe(least);
    random.mockReturnValue(1);
    expect(retry(attempt)).toBe(most);
  }
});
