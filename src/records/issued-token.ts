import { z } from "zod";

/** A token that was issued, by its storage key: enough to end it, not to use it. */
export interface IssuedToken {
  readonly key: string;
  readonly kind: "access_token" | "refresh_token";
  /** In epoch seconds. */
  readonly expiresAt: number;
}

const kind = z.enum(["access_token", "refresh_token"]);

/** As it is stored. */
export const issuedTokenWire = z.object({ key: z.string(), kind, expires_at: z.number() });
export const issuedTokenDomain = z.object({ key: z.string(), kind, expiresAt: z.number() });

export function readIssuedToken(stored: z.output<typeof issuedTokenWire>): IssuedToken {
  return { key: stored.key, kind: stored.kind, expiresAt: stored.expires_at };
}

export function writeIssuedToken(token: IssuedToken): z.input<typeof issuedTokenWire> {
  return { key: token.key, kind: token.kind, expires_at: token.expiresAt };
}
