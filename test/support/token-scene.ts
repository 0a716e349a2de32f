import { createHash } from "node:crypto";
import { OAuthError } from "../../src/errors.ts";
import {
  createInMemoryRepositories,
  type McpOAuthProviderOptions,
  type ProviderRepositories,
} from "../../src/index.ts";
import { StepKey } from "../../src/provider/grants/grant-key.ts";
import { Grants } from "../../src/provider/grants/grants.ts";
import { credentialCore, formatHandle, markCredential } from "../../src/provider/oauth/grant-credential.ts";
import { CodeRedemption, type CodeRedemptionRequest } from "../../src/provider/tokens/code-redemption.ts";
import { type RefreshRequest, RefreshRotation } from "../../src/provider/tokens/refresh-rotation.ts";
import { TokenIssue } from "../../src/provider/tokens/token-issue.ts";
import type { TokenResponse } from "../../src/provider/tokens/token-response.ts";
import type { AuthorizationCode, ClientAuthentication } from "../../src/records/authorization-code.ts";
import { authorizationCodeKey, grantIdOf } from "../../src/records/keys.ts";
import { configured } from "./configured.ts";
import { FakeUpstream } from "./fake-upstream.ts";
import { ManualClock } from "./manual-clock.ts";
import { upstreamRevocationsOf } from "./upstream-revocations.ts";

/** What came of a request for tokens: the answer, or the error's code. */
export interface TokenOutcome {
  readonly tokens?: TokenResponse;
  readonly error?: string;
}

/** What waits for the answer, for what the scene cannot give itself. */
export const outcomeOf = (answer: Promise<{ readonly tokens: TokenResponse }>): Promise<TokenOutcome> =>
  answer.then(
    ({ tokens }) => ({ tokens }),
    (failure: unknown) => {
      if (failure instanceof OAuthError) return { error: failure.error };
      return { error: String(Object(failure).code) };
    },
  );

type Options = Partial<McpOAuthProviderOptions>;

/** A client that may refresh, and needs no secret. */
export const refreshingClient: ClientAuthentication = {
  tokenEndpointAuthMethod: "none",
  grantTypes: ["authorization_code", "refresh_token"],
};

/**
 * The redemption of one code and what follows from it, without a server in front: the code is put into the store as a login
 * leaves it there. So a test of it takes a millisecond.
 */
export class TokenScene {
  readonly clock = new ManualClock();
  readonly upstream = new FakeUpstream(this.clock.read);
  readonly repositories = createInMemoryRepositories({ clock: this.clock.read });
  readonly handle = formatHandle(new Uint8Array(16).fill(1));
  readonly grantId = grantIdOf(this.handle);
  readonly verifier = "v".repeat(43);
  readonly redirectUri = "http://127.0.0.1:4999/callback";
  readonly resource = "https://mcp.example/mcp";
  readonly #key = StepKey.create(this.grantId);
  readonly #core = credentialCore(
    "authorization_code",
    { handle: this.handle, generation: 0 },
    new Uint8Array(32).fill(2),
  );
  readonly #options: Options;

  constructor(options: Options = {}) {
    this.#options = options;
  }

  /** An instance, over the store or over what stands in front of it. */
  instance({ repositories = this.repositories, ...options }: Options = {}) {
    const configuration = configured(
      { upstream: this.upstream, ...this.#options, repositories, ...options },
      this.clock,
    );
    const grants = new Grants({
      ...configuration,
      storedGrants: repositories.grants,
      upstreamRevocations: upstreamRevocationsOf(configuration),
    });
    const presented = async () => ({ clientName: "App" });
    const parts = {
      ...configuration,
      repositories,
      grants,
      issue: new TokenIssue({ ...configuration, repositories }),
      registry: { presented },
    };
    const codes = new CodeRedemption(parts);
    const refreshes = new RefreshRotation(parts);
    const mark = configuration.keys.derive("credential mark");
    const code = markCredential(mark, this.#core);
    const redemption = (changes: Partial<CodeRedemptionRequest> = {}): CodeRedemptionRequest => ({
      clientId: "app",
      isProven: false,
      code,
      codeVerifier: this.verifier,
      redirectUri: this.redirectUri,
      resource: undefined,
      ...changes,
    });
    const refreshment = (refreshToken: string, changes: Partial<RefreshRequest> = {}): RefreshRequest => ({
      clientId: "app",
      isProven: false,
      refreshToken,
      scope: undefined,
      resource: undefined,
      ...changes,
    });
    return {
      configuration,
      parts,
      codes,
      refreshes,
      code,
      redemption,
      refreshment,
      redeem: (changes: Partial<CodeRedemptionRequest> = {}) =>
        outcomeOf(codes.redeem(redemption(changes), async (client) => client)),
      refresh: (tokens: TokenResponse | undefined, changes: Partial<RefreshRequest> = {}) =>
        outcomeOf(
          refreshes.refresh(refreshment(tokens?.refresh_token ?? "", changes), async () => ({
            ...refreshingClient,
          })),
        ),
    };
  }

  /** The store with something in front of one kind of record. */
  with<Kind extends keyof ProviderRepositories>(
    kind: Kind,
    repository: ProviderRepositories[Kind],
  ): ProviderRepositories {
    return { ...this.repositories, [kind]: repository };
  }

  /** Puts the code into the store, as an instance has issued it now. */
  async issueCode(
    { configuration }: Pick<ReturnType<TokenScene["instance"]>, "configuration">,
    changes: Partial<AuthorizationCode> = {},
  ): Promise<void> {
    const { instance, keys } = configuration;
    const session = { tokens: { token: "ada-1" }, identity: { subject: "ada" }, issuer: this.upstream.issuer };
    await this.repositories.authorizationCodes.set(authorizationCodeKey(this.handle), {
      clientId: "app",
      scopes: ["user", "admin"],
      expiresAt: this.clock.seconds(180),
      endsAt: this.clock.seconds(60),
      issuedBy: instance,
      codeChallenge: createHash("sha256").update(this.verifier).digest("base64url"),
      redirectUri: new URL(this.redirectUri),
      resource: new URL(this.resource),
      subject: "ada",
      upstreamIssuer: this.upstream.issuer,
      grantId: this.grantId,
      sealedUpstream: this.#key.grantKey.sealSession(session),
      wrappedKey: this.#key.wrap(keys, this.#core),
      client: refreshingClient,
      ...changes,
    });
  }

  grant() {
    return this.repositories.grants.get(this.grantId);
  }
}
