/** What a caller was told in the end. */
export type Outcome =
  | {
      readonly kind: "tokens";
      readonly accessToken: string;
      readonly refreshToken: string;
      readonly scopes: readonly string[];
      /** The scopes that the access token had when the answer came; undefined where it opened nothing then. */
      readonly verified: readonly string[] | undefined;
    }
  | { readonly kind: "done" }
  /** A definite no, after which a client gives up. */
  | { readonly kind: "refused"; readonly error: string }
  /** A 503: the caller is to come back. */
  | { readonly kind: "unavailable" }
  /** No answer came: the caller does not know what happened. */
  | { readonly kind: "lost" };

/** What was asked of an instance. */
export type CallKind = "redeem" | "refresh" | "revoke" | "pangeaToken" | "revokeGrants" | "authorize";

/** A call from outside, and what came of it. Times are counts of the explorer's actions. */
export interface Call {
  readonly kind: CallKind;
  /** Who calls: the honest client, somebody who found a credential, or the operator of the server. */
  readonly by: "client" | "thief" | "operator";
  readonly task: number;
  readonly instance: number;
  /** The logins that the call is about. */
  readonly logins: readonly string[];
  /** The code or token that was shown. */
  readonly credential: string;
  /** The `jti` of the assertion that the client authenticated with, where it did. */
  readonly assertion?: string | undefined;
  /** Whether a code was shown without the verifier that goes with it. */
  readonly hasWrongVerifier?: boolean | undefined;
  readonly begunAt: number;
  /** In milliseconds since the epoch. */
  readonly begunTime: number;
  readonly endedAt: number;
  readonly endedTime: number;
  /** What the caller heard. */
  readonly outcome: Outcome;
  /** What the instance answered, whether or not the caller heard it. */
  readonly answer: Outcome;
  /** For a redemption: whether all that it leads to was stored when it ended, by whomever. */
  readonly isCodeUsed: boolean;
}

/** True for an outcome after which the caller knows where it stands. */
export function isDefinite({ kind }: Outcome): boolean {
  return kind !== "unavailable" && kind !== "lost";
}

/** One person's login for one client. */
export interface Login {
  readonly name: string;
  readonly clientId: string;
  readonly subject: string;
  /** The session at Pangea that the login began. */
  readonly session: string;
  readonly code: string;
  readonly verifier: string;
  /** In milliseconds since the epoch. */
  readonly codeIssuedAt: number;
  /** What the browser keeps after the login. */
  readonly cookie: string;
}

/** An assertion that a client authenticates with, and its `jti`. */
export interface Assertion {
  readonly id: string;
  readonly jwt: string;
}
