import { z } from "zod";
import { nullable, present } from "./wire.ts";

/** The upstream tokens of a user at Pangea AuthN. */
export interface PangeaAccessToken {
  /** The access token (`ptu_…`). */
  readonly token: string;
  /** The refresh token (`ptr_…`), where Pangea AuthN gives one. */
  readonly refreshToken?: string;
  /** When the upstream access token expires, in epoch seconds, where Pangea AuthN said so. */
  readonly expiresAt?: number;
  readonly scopes?: string[];
}

/** @internal The stored form, for records that hold upstream tokens within them. */
export const pangeaAccessTokenWire = z.object({
  token: z.string(),
  refresh_token: nullable(z.string()),
  expires_at: nullable(z.number()),
  scopes: nullable(z.array(z.string())),
});

/** @internal The domain form, for records that hold upstream tokens within them. */
export const pangeaAccessTokenDomain = z.object({
  token: z.string(),
  refreshToken: z.string().exactOptional(),
  expiresAt: z.number().exactOptional(),
  scopes: z.array(z.string()).exactOptional(),
});

/** Reads and writes upstream tokens; reads the Python package's `{"token": …}`. */
export const PangeaAccessTokenSchema: z.ZodType<PangeaAccessToken, z.input<typeof pangeaAccessTokenWire>> = z.codec(
  pangeaAccessTokenWire,
  pangeaAccessTokenDomain,
  {
    decode: (stored) => ({
      token: stored.token,
      ...present({ refreshToken: stored.refresh_token, expiresAt: stored.expires_at, scopes: stored.scopes }),
    }),
    encode: (tokens) => ({
      token: tokens.token,
      ...present({ refresh_token: tokens.refreshToken, expires_at: tokens.expiresAt, scopes: tokens.scopes }),
    }),
  },
);
