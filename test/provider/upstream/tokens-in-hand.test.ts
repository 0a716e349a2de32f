import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import {
  createInMemoryRepositories,
  gitHub,
  oAuth2,
  openIdConnect,
  pangeaAuthn,
  type Upstream,
  type UpstreamTokens,
} from "../../../src/index.ts";
import { startServer } from "../../support/fake-upstream-server.ts";
import { pkce } from "../../support/provider-harness.ts";
import {
  type ScriptedOpenIdProvider,
  scriptedClient,
  scriptedOpenIdProvider,
} from "../../support/scripted-openid-provider.ts";

let provider: ScriptedOpenIdProvider;
beforeEach(async () => {
  provider = await scriptedOpenIdProvider();
});

const out = () => new Response(null, { status: 503 });
const reply = { access_token: "upstream-access", refresh_token: "upstream-refresh", token_type: "Bearer" };
const both = ["upstream-access", "upstream-refresh"];

/** A login that fails after the token endpoint has answered: what fails, at which upstream, and how. */
interface Failure {
  readonly name: string;
  readonly fails: () => void;
  readonly upstream?: () => Upstream;
  readonly revoked?: readonly string[];
}

const setIdToken = (changes: ScriptedOpenIdProvider["idToken"]): void => {
  provider.idToken = changes;
};
const openId = (): Upstream => openIdConnect({ issuer: provider.issuer, ...scriptedClient, fetch: provider.fetch });
/** Of GitHub's form, at the addresses of the scripted provider. */
const ofGitHub = (): Upstream =>
  oAuth2({
    ...gitHub({ clientId: "Iv1.0123456789abcdef", clientSecret: scriptedClient.clientSecret }),
    tokenEndpoint: `${provider.issuer}/token`,
    revocationEndpoint: `${provider.issuer}/revoke`,
    fetch: provider.fetch,
  });
const ofPangea = (): Upstream =>
  pangeaAuthn({
    issuerUrl: "https://pdn-test.login.aws.us.pangea.cloud",
    clientId: "psa_tokensinhand",
    clientSecret: "pck_tokensinhandtokensinhandtokensinhand",
    scopes: ["user"],
    fetch: provider.fetch,
  });
const pangeaAnswers = (introspect: () => Response, token: unknown = reply): void => {
  provider.answers.set("/v2/oauth/token", () => Response.json(token));
  provider.answers.set("/v2/oauth/token/introspect", introspect);
  provider.answers.set("/v2/oauth/token/revoke", () => Response.json({}));
};

const failures: readonly Failure[] = [
  { name: "OpenID Connect: the keys are out", fails: () => void provider.answers.set("/jwks", out) },
  { name: "OpenID Connect: another nonce", fails: () => setIdToken({ claims: { nonce: "another" } }) },
  { name: "OpenID Connect: another audience", fails: () => setIdToken({ claims: { aud: "another" } }) },
  { name: "OpenID Connect: a forged signature", fails: () => setIdToken({ isForged: true }) },
  { name: "OpenID Connect: no signature", fails: () => setIdToken({ algorithm: "none" }) },
  { name: "OpenID Connect: no ID token", fails: () => setIdToken("none") },
  { name: "OpenID Connect: userinfo is out", fails: () => void provider.answers.set("/userinfo", out) },
  {
    name: "OpenID Connect: an answer without a type",
    fails: () => void provider.answers.set("/token", () => Response.json({ ...reply, token_type: undefined })),
  },
  {
    name: "OAuth 2.0: the API is out",
    upstream: ofGitHub,
    fails: () => {
      provider.answers.set("/token", () => Response.json(reply));
      provider.answers.set("/user", out);
    },
  },
  {
    name: "OAuth 2.0: an answer without a type",
    upstream: ofGitHub,
    fails: () => void provider.answers.set("/token", () => Response.json({ ...reply, token_type: undefined })),
  },
  { name: "Pangea: introspection is out", upstream: ofPangea, fails: () => pangeaAnswers(out) },
  {
    name: "Pangea: an answer without a type",
    upstream: ofPangea,
    fails: () => pangeaAnswers(out, { ...reply, token_type: undefined }),
  },
  {
    name: "Pangea: no refresh token, and nobody",
    upstream: ofPangea,
    fails: () => pangeaAnswers(() => Response.json({ active: false }), { ...reply, refresh_token: undefined }),
    revoked: ["upstream-access"],
  },
];

/** Logs in, and answers with which tokens the upstream was told to revoke. */
async function tokensRevoked(
  { fails, upstream = openId }: Failure,
  isRevocationOut = false,
): Promise<readonly string[]> {
  const repositories = createInMemoryRepositories();
  const server = startServer({ repositories, upstream: upstream(), logger: false });
  fails();
  const revocations = upstream === ofPangea ? "/v2/oauth/token/revoke" : "/revoke";
  const answer = provider.answers.get(revocations);
  if (isRevocationOut) provider.answers.set(revocations, out);
  const { client_id } = await server.register();
  const begun = await server.beginLogin({ client_id, code_challenge: pkce().challenge });
  provider.nonce ??= begun.location.searchParams.get("nonce");
  const back = new URL(begun.location.searchParams.get("redirect_uri") ?? "");
  back.search = new URLSearchParams({ state: begun.location.searchParams.get("state") ?? "", code: "code" }).toString();
  const answered = await server.finishLogin(back, begun.cookie);
  expect(answered.searchParams.get("code")).toBeNull();
  expect(answered.searchParams.get("error")).not.toBeNull();
  if (isRevocationOut) {
    provider.requests.length = 0;
    if (answer === undefined) provider.answers.delete(revocations);
    else provider.answers.set(revocations, answer);
    expect(await server.provider.retryUpstreamRevocations()).toBe(1);
  }
  const told = provider.requests.filter(({ path }) => path === revocations);
  return told.map(({ form }) => form.get("token") ?? "").sort();
}

describe("a login that fails after the token endpoint has answered", () => {
  it.each(failures)("has its tokens revoked: $name", async (failure) => {
    expect(await tokensRevoked(failure)).toEqual(failure.revoked ?? both);
  });

  it.each(failures)("has its tokens kept where the upstream cannot be told: $name", async (failure) => {
    expect(await tokensRevoked(failure, true)).toEqual(failure.revoked ?? both);
  });
});

describe("tokens that nobody asked to be told of", () => {
  it("are not looked for", async () => {
    provider.answers.set("/token", () => Response.json({ ...reply, token_type: undefined }));
    const codeVerifier = "v".repeat(43);
    const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
    const redirectUri = "https://mcp.example/oidc/callback";
    const upstream = openId();
    await upstream.authorizationUrl({ state: "state", codeChallenge, redirectUri });
    const exchange = { code: "code", codeVerifier, redirectUri };
    await expect(upstream.exchange(exchange)).rejects.toMatchObject({ code: "ERR_UPSTREAM_REJECTED" });
  });

  it("are told once of each exchange that has them, and of no other", async () => {
    const told: UpstreamTokens[][] = [[], []];
    const codeVerifier = "v".repeat(43);
    const redirectUri = "https://mcp.example/oidc/callback";
    const upstream = openId();
    provider.idToken = { claims: { nonce: "another" } };
    const exchanges = told.map((list) => {
      const noteTokens = (tokens: UpstreamTokens) => void list.push(tokens);
      return upstream.exchange({ code: "code", codeVerifier, redirectUri, noteTokens });
    });
    await Promise.allSettled(exchanges);
    const tokens = { token: "upstream-access", refreshToken: "upstream-refresh" };
    expect(told).toEqual([[tokens], [tokens]]);
  });
});
