import { type OptionKinds, requireOptions, requireTimeout } from "../../../option-checks.ts";

/** Settings for a client of Valkey GLIDE, in the terms of GLIDE 2. */
export interface RecommendedGlideOptions {
  /** Milliseconds. */
  readonly requestTimeout: number;
  readonly connectionBackoff: {
    readonly numberOfRetries: number;
    /** Milliseconds. */
    readonly factor: number;
    readonly exponentBase: number;
    readonly jitterPercent: number;
  };
}

/** How long GLIDE waits for the answer to a command, the wait for a connection included, in milliseconds. */
export interface GlidePatience {
  /** Shorter than the `timeout` of the repositories, so that nothing is sent once a caller was told. Default 1,500. */
  readonly requestTimeout?: number;
}

const patienceKinds: OptionKinds<GlidePatience> = { requestTimeout: "any" };
const defaultRequestTimeout = 1_500;

/**
 * Client settings of Valkey GLIDE that fit a `RedisRepository` with the default `timeout`: a command that waits for a
 * connection is given up before its caller is told that it failed, and a lost connection is made anew within seconds.
 *
 * @param patience - A timeout in milliseconds.
 *
 * @example
 * ```ts
 * const redis = await GlideClient.createClient({ addresses: [{ host: "127.0.0.1" }], ...glideOptions() });
 * ```
 */
export function glideOptions(patience: GlidePatience = {}): RecommendedGlideOptions {
  requireOptions("glideOptions", patience, patienceKinds);
  const { requestTimeout = defaultRequestTimeout } = patience;
  requireTimeout("requestTimeout", requestTimeout);
  return {
    requestTimeout: Math.ceil(requestTimeout),
    // 50, 100, 200, … 1,600 milliseconds, and again.
    connectionBackoff: { numberOfRetries: 6, factor: 25, exponentBase: 2, jitterPercent: 20 },
  };
}
