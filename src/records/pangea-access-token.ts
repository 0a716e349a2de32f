import { number, optional, record, text, texts } from "./record.ts";

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

/** Reads and writes upstream tokens; reads the Python package's `{"token": …}`. */
export const PangeaAccessTokenSchema = record<PangeaAccessToken>({
  token: text,
  refreshToken: optional(text),
  expiresAt: optional(number),
  scopes: optional(texts),
});
