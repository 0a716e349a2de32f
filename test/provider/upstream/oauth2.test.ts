import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { type GitHubOptions, gitHub, type OAuth2Options, oAuth2 } from "../../../src/index.ts";

const redirectUri = "https://mcp.example.org/github/callback";
const codeVerifier = "a-verifier-that-has-more-than-forty-three-characters-in-it";
const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
const login = { state: "state", codeChallenge, redirectUri };
const client = { clientId: "Iv1.client", clientSecret: "a secret that has thirty-two characters" };

type Answer = () => Response | Promise<Response>;
let answers: Map<string, Answer>;
let requests: { readonly url: string; readonly form: URLSearchParams; readonly headers: Headers }[];
beforeEach(() => {
  requests = [];
  answers = new Map<string, Answer>([
    [
      "https://github.com/login/oauth/access_token",
      () => Response.json({ access_token: "gho_1", token_type: "bearer", scope: "" }),
    ],
    ["https://api.github.com/user", () => Response.json({ id: 583_231, login: "octocat", email: "boss@example.org" })],
  ]);
});
const send = async (request: Request): Promise<Response> => {
  const form = new URLSearchParams(request.method === "POST" ? await request.text() : "");
  requests.push({ url: request.url, form, headers: request.headers });
  return (await answers.get(request.url)?.()) ?? new Response(null, { status: 404 });
};
const gitHubUpstream = (options: Partial<GitHubOptions> = {}) => oAuth2(gitHub({ ...client, fetch: send, ...options }));

describe("GitHub", () => {
  it("asks for a code with PKCE", async () => {
    const url = await gitHubUpstream().authorizationUrl({ ...login, loginHint: "octocat" });
    expect(`${url.origin}${url.pathname}`).toBe("https://github.com/login/oauth/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: "Iv1.client",
      response_type: "code",
      redirect_uri: redirectUri,
      state: "state",
      code_challenge: codeChallenge,
      code_challenge_method: "S256",
      login: "octocat",
      login_hint: "octocat",
    });
  });

  it("knows a user by the number of the account, and takes nobody's word for an address", async () => {
    const upstream = gitHubUpstream();
    const tokens = await upstream.exchange({ code: "code", codeVerifier, redirectUri });
    expect(tokens).toEqual({ token: "gho_1", scopes: [] });
    expect(await upstream.identify(tokens)).toEqual({ subject: "583231", username: "octocat" });
    expect(Object.fromEntries(requests[0]?.form ?? [])).toMatchObject({
      code: "code",
      code_verifier: codeVerifier,
      client_id: client.clientId,
      client_secret: client.clientSecret,
    });
    expect(requests.at(-1)?.headers.get("authorization")).toBe("Bearer gho_1");
  });

  it.each([
    ["bad_verification_code", "invalid_grant"],
    ["incorrect_client_credentials", "invalid_client"],
    ["redirect_uri_mismatch", "redirect_uri_mismatch"],
  ])("says %s with the status 200: %s", async (error, standard) => {
    answers.set("https://github.com/login/oauth/access_token", () => Response.json({ error }));
    const exchange = gitHubUpstream().exchange({ code: "code", codeVerifier, redirectUri });
    await expect(exchange).rejects.toMatchObject({ code: "ERR_UPSTREAM_REJECTED", error: standard });
  });

  const membership = "https://api.github.com/user/memberships/orgs/example";
  it.each([
    ["an active member", () => Response.json({ state: "active" }), undefined],
    ["somebody who was invited", () => Response.json({ state: "pending" }), "Log in as a member of example."],
    ["a stranger", () => Response.json({}, { status: 404 }), "Log in as a member of example."],
  ] as const)("lets in the members of an organization: %s", async (_, answer, reason) => {
    answers.set(membership, answer);
    const identity = gitHubUpstream({ organization: "example" }).identify({ token: "gho_1" });
    if (reason === undefined) await expect(identity).resolves.toMatchObject({ subject: "583231" });
    else await expect(identity).rejects.toMatchObject({ error: "access_denied", message: reason });
  });

  it("takes an outage of the API for one, never for a stranger", async () => {
    answers.set(membership, () => new Response(null, { status: 502 }));
    const identity = gitHubUpstream({ organization: "example" }).identify({ token: "gho_1" });
    await expect(identity).rejects.toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
  });

  it("is an Enterprise Server where its address is given", async () => {
    const { issuer, tokenEndpoint } = gitHub({ ...client, url: "https://github.example.org/" });
    expect([issuer, String(tokenEndpoint)]).toEqual([
      "https://github.example.org",
      "https://github.example.org/login/oauth/access_token",
    ]);
  });
});

const good: OAuth2Options = {
  id: "acme",
  name: "Acme",
  issuer: "https://acme.example",
  authorizationEndpoint: "https://acme.example/authorize",
  tokenEndpoint: "https://acme.example/token",
  ...client,
  identify: async () => ({ subject: "ada" }),
  fetch: send,
};

describe("any provider of OAuth 2.0", () => {
  it("revokes where there is an endpoint for it", async () => {
    answers.set("https://acme.example/revoke", () => new Response(null, { status: 200 }));
    expect(await oAuth2(good).revoke({ token: "a", refreshToken: "b" })).toBe(false);
    expect(requests).toHaveLength(0);
    const revocationEndpoint = "https://acme.example/revoke";
    expect(await oAuth2({ ...good, revocationEndpoint }).revoke({ token: "a", refreshToken: "b" })).toBe(true);
    expect(requests.map(({ form }) => form.get("token"))).toEqual(["b", "a"]);
  });

  it("refreshes, and keeps a refresh token that is not replaced", async () => {
    answers.set("https://acme.example/token", () =>
      Response.json({ access_token: "2", token_type: "bearer", expires_in: 60 }),
    );
    expect(await oAuth2(good).refresh("old")).toMatchObject({ token: "2", refreshToken: "old" });
  });

  it.each([{}, { subject: "" }, { subject: " \t" }, { subject: 7 }, undefined])(
    "logs nobody in who is %o",
    async (identity) => {
      const upstream = Reflect.apply(oAuth2, undefined, [{ ...good, identify: async () => identity }]);
      await expect(upstream.identify({ token: "a" })).rejects.toMatchObject({ code: "ERR_UPSTREAM_REJECTED" });
    },
  );

  it.each([undefined, null, 1, "", "  "])("lets nobody in where allow answers %o", async (answer) => {
    const upstream = Reflect.apply(oAuth2, undefined, [{ ...good, allow: async () => answer }]);
    await expect(upstream.identify({ token: "a" })).rejects.toMatchObject({ error: "access_denied" });
  });

  it.each([
    ["no options", undefined],
    ["no id", { ...good, id: "" }],
    ["no name", { ...good, name: undefined }],
    ["plain http", { ...good, tokenEndpoint: "http://acme.example/token" }],
    ["no secret", { ...good, clientSecret: "" }],
    ["white space around the client id", { ...good, clientId: "mcp\n" }],
    ["a parameter that is the login's own", { ...good, authorizationParameters: { response_type: "token" } }],
    ["nobody who says who the user is", { ...good, identify: undefined }],
    ["a hook that is no function", { ...good, allow: "staff" }],
  ])("refuses %s", (_, options) => {
    expect(() => Reflect.apply(oAuth2, undefined, [options])).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION" }),
    );
  });
});
