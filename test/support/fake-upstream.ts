import { createHash } from "node:crypto";
import { UpstreamRejectedError } from "../../src/errors.ts";
import type { Upstream, UpstreamCodeExchange, UpstreamLoginRequest, UpstreamTokens } from "../../src/index.ts";

/** The least that the contract of an upstream asks for. Tokens last an hour and are `<user>-<number>`. */
export class FakeUpstream implements Upstream {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  readonly timeout: number = 1000;
  readonly revoked: UpstreamTokens[] = [];
  readonly #clock: () => number;
  #issued = 0;

  constructor(clock: () => number, id = "fake") {
    this.#clock = clock;
    this.id = id;
    this.name = `${id[0]?.toUpperCase()}${id.slice(1)} Login`;
    this.issuer = `https://login.${id}.example`;
  }

  authorizationUrl(login: UpstreamLoginRequest): URL | Promise<URL> {
    return new URL(`${this.issuer}/log-in?${new URLSearchParams({ ...login })}`);
  }

  async exchange({ code, codeVerifier, redirectUri }: UpstreamCodeExchange): Promise<UpstreamTokens> {
    const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
    const { user, login } = JSON.parse(code);
    if (login.codeChallenge === codeChallenge && login.redirectUri === redirectUri) return this.#tokensOf(user);
    throw new UpstreamRejectedError("invalid_grant", "The code is another login's.");
  }

  async refresh(refreshToken: string): Promise<UpstreamTokens> {
    if (refreshToken.endsWith(`-${this.#issued}`)) return this.#tokensOf(userOf(refreshToken));
    throw new UpstreamRejectedError("invalid_grant", "The refresh token was used before.");
  }

  async identify({ token }: UpstreamTokens): Promise<{ readonly subject: string }> {
    return { subject: userOf(token) };
  }

  async revoke(tokens: UpstreamTokens): Promise<unknown> {
    this.revoked.push(tokens);
    return undefined;
  }

  #tokensOf(user: string): UpstreamTokens {
    this.#issued += 1;
    const token = `${user}-${this.#issued}`;
    return { token, refreshToken: token, expiresAt: this.#clock() / 1000 + 3600 };
  }
}

/** Where the browser goes after a user has logged in at a fake upstream. */
export function logInAtFakeUpstream({ searchParams }: URL, user: string): URL {
  const { state = "", redirectUri = "", ...login } = Object.fromEntries(searchParams);
  const code = JSON.stringify({ user, login: { ...login, redirectUri } });
  return new URL(`${redirectUri}?${new URLSearchParams({ state, code })}`);
}

function userOf(token: string): string {
  return token.replace(/-\d+$/, "");
}
