import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  createInMemoryRepositories,
  gitHub,
  type OAuth2Options,
  type OpenIdConnectOptions,
  oAuth2,
  openIdConnect,
  type Upstream,
} from "../../../src/index.ts";
import type { Finding } from "../../../src/storage/finding.ts";
import { startOpenIdProvider } from "../../support/openid-provider-server.ts";
import {
  type ScriptedOpenIdProvider,
  scriptedClient,
  scriptedOpenIdProvider,
} from "../../support/scripted-openid-provider.ts";
import { logInAt, twoUpstreams } from "../../support/two-upstreams.ts";
import { serverClient } from "../../support/upstream-clients.ts";

const redirectUri = "http://localhost:8000/oidc/callback";
const statuses = (findings: readonly Finding[]) =>
  Object.fromEntries(findings.map(({ check, status }) => [check, status]));
const diagnosed = async (upstream: Upstream) => (await upstream.diagnose?.(redirectUri)) ?? [];
const found = async (upstream: Upstream, check: string) =>
  (await diagnosed(upstream)).find((finding) => finding.check === check);
const json =
  (body: object, status = 200) =>
  () =>
    Response.json(body, { status });

beforeEach(() => {
  // oidc-provider remarks that it is not set up for production.
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockReturnValue();
});

describe("a certified OpenID provider, looked at", () => {
  const start = async (options: Partial<OpenIdConnectOptions> = {}, registered = redirectUri) => {
    const server = await startOpenIdProvider(registered);
    return { server, upstream: openIdConnect({ issuer: server.issuer, ...serverClient, ...options }) };
  };

  it("is found to fit, without a login", async () => {
    const { server, upstream } = await start();
    await using _ = server;
    expect(statuses(await diagnosed(upstream))).toEqual({
      "upstream-issuer": "ok",
      "upstream-clock": "ok",
      "upstream-keys": "ok",
      "upstream-client": "ok",
      "redirect-uri": "ok",
      "upstream-scopes": "ok",
    });
  });

  it.each<[string, Partial<OpenIdConnectOptions>, string, "error" | "warning"]>([
    ["a wrong secret", { clientSecret: "another secret of thirty-two characters" }, "upstream-client", "error"],
    ["a client that is not known", { clientId: "stranger" }, "upstream-client", "error"],
    ["a scope that is not known", { scopes: ["openid", "groups"] }, "upstream-scopes", "warning"],
  ])("is found not to fit: %s", async (_, options, check, status) => {
    const { server, upstream } = await start(options);
    await using _server = server;
    expect(await found(upstream, check)).toMatchObject({ status, why: expect.any(String), remedy: expect.any(String) });
  });

  it("is found wrong once: where it does not know the client, nothing is said of the redirect URI", async () => {
    const { server, upstream } = await start({ clientId: "stranger" });
    await using _ = server;
    const findings = await diagnosed(upstream);
    expect(findings.filter(({ status }) => status === "error").map(({ check }) => check)).toEqual(["upstream-client"]);
  });

  it("is found not to know the redirect URI", async () => {
    const { server, upstream } = await start({}, "http://localhost:8000/other/callback");
    await using _ = server;
    expect(await found(upstream, "redirect-uri")).toMatchObject({
      status: "error",
      remedy: expect.stringContaining(redirectUri),
    });
  });

  it("is found silent when it is out", async () => {
    const { server, upstream } = await start();
    await server[Symbol.asyncDispose]();
    expect(await diagnosed(upstream)).toMatchObject([
      { check: "upstream-issuer", status: "error", what: expect.stringContaining("ECONNREFUSED") },
    ]);
  });
});

describe("an OpenID provider's answers", () => {
  let provider: ScriptedOpenIdProvider;
  beforeEach(async () => {
    provider = await scriptedOpenIdProvider();
    provider.answers.set("/authorize", () => new Response(null, { status: 302, headers: { location: "/login" } }));
    provider.answers.set("/token", json({ error: "invalid_grant" }, 400));
  });
  const upstreamOf = (options: Partial<OpenIdConnectOptions> = {}) =>
    openIdConnect({ issuer: provider.issuer, ...scriptedClient, fetch: provider.fetch, ...options });

  it.each<[string, () => void, string, Partial<Finding>]>([
    [
      "another issuer",
      () => {
        provider.metadata = { issuer: "https://id.example/tenant" };
      },
      "upstream-issuer",
      { status: "error", remedy: expect.stringContaining("https://id.example/tenant") },
    ],
    [
      "no discovery document",
      () => provider.answers.set("/.well-known/openid-configuration", () => new Response("<html>", { status: 404 })),
      "upstream-issuer",
      { status: "error", what: expect.stringContaining("404") },
    ],
    [
      "no key set",
      () => provider.answers.set("/jwks", () => new Response(null, { status: 500 })),
      "upstream-keys",
      { status: "error" },
    ],
    [
      "no algorithm that is safe",
      () => {
        provider.metadata = { id_token_signing_alg_values_supported: ["HS256", "none"] };
      },
      "upstream-keys",
      { status: "error", what: expect.stringContaining("algorithm") },
    ],
    [
      "a token endpoint that is out",
      () => provider.answers.set("/token", () => new Response(null, { status: 503 })),
      "upstream-client",
      { status: "error", remedy: "Try again later." },
    ],
    [
      "a token endpoint that says nothing of the client",
      () => provider.answers.set("/token", json({ error: "unsupported_grant_type" }, 400)),
      "upstream-client",
      { status: "warning" },
    ],
    [
      "a refusal of the scopes",
      () =>
        provider.answers.set("/authorize", () => {
          const location = `${redirectUri}?error=invalid_scope&state=s`;
          return new Response(null, { status: 302, headers: { location } });
        }),
      "upstream-scopes",
      { status: "error", what: expect.stringContaining("invalid_scope") },
    ],
    [
      "a refusal of the redirect URI",
      () => provider.answers.set("/authorize", () => new Response(null, { status: 400 })),
      "redirect-uri",
      { status: "error" },
    ],
  ])("are understood: %s", async (_, change, check, finding) => {
    change();
    expect(await found(upstreamOf(), check)).toMatchObject(finding);
  });

  it("show the clock of there", async () => {
    const date = new Date(Date.now() + 120_000).toUTCString();
    const document = await (
      await provider.fetch(new Request("https://id.example/.well-known/openid-configuration"))
    ).json();
    provider.answers.set("/.well-known/openid-configuration", () => Response.json(document, { headers: { date } }));
    expect(await found(upstreamOf(), "upstream-clock")).toMatchObject({ status: "error" });
  });

  it("never has a secret in a finding", async () => {
    provider.answers.set(
      "/token",
      json({ error: "invalid_client", error_description: scriptedClient.clientSecret }, 401),
    );
    expect(JSON.stringify(await diagnosed(upstreamOf()))).not.toContain(scriptedClient.clientSecret);
  });
});

describe("a provider of OAuth 2.0, looked at", () => {
  const upstreamOf = (answers: Readonly<Record<string, () => Response>>, options: Partial<OAuth2Options> = {}) =>
    oAuth2(
      gitHub({
        clientId: "Iv1.test",
        clientSecret: "a secret that has thirty-two characters",
        fetch: async (request) => answers[new URL(request.url).pathname]?.() ?? new Response(null, { status: 404 }),
        ...options,
      }),
    );
  const login = () => new Response(null, { status: 302, headers: { location: "https://github.com/login" } });
  const page = "/login/oauth/authorize";
  const token = "/login/oauth/access_token";

  it.each<[string, Readonly<Record<string, () => Response>>, Record<string, string>]>([
    [
      "fits",
      { [page]: login, [token]: json({ error: "bad_verification_code" }) },
      { "upstream-issuer": "ok", "upstream-client": "ok", "redirect-uri": "ok" },
    ],
    [
      "does not take the secret",
      { [page]: login, [token]: json({ error: "incorrect_client_credentials" }) },
      { "upstream-issuer": "ok", "upstream-client": "error", "redirect-uri": "ok" },
    ],
    [
      "does not begin a login",
      { [page]: () => new Response(null, { status: 404 }), [token]: json({ error: "bad_verification_code" }) },
      { "upstream-issuer": "ok", "upstream-client": "ok", "redirect-uri": "error" },
    ],
    [
      "is out",
      { [page]: () => new Response(null, { status: 500 }), [token]: () => new Response(null, { status: 502 }) },
      { "upstream-issuer": "error", "upstream-client": "warning", "redirect-uri": "warning" },
    ],
  ])("%s", async (_, answers, expected) => {
    expect(statuses(await diagnosed(upstreamOf(answers)))).toEqual(expected);
  });
});

describe("check() of a provider with several upstreams", () => {
  it("names each one's redirect URI, and counts the logins of one that is not there any more", async () => {
    const { start, blue, red } = twoUpstreams();
    const harness = start();
    await logInAt(harness, { id: "red" });
    await logInAt(harness, { id: "red", user: "grace" });
    const both = await harness.provider.check();
    const uris = both.findings.filter(({ check }) => check === "redirect-uri").map(({ what }) => what);
    expect(uris.map((what) => /(red|blue)\/callback/.exec(what)?.[1])).toEqual(["red", "blue"]);
    expect(both.findings.some(({ check }) => check === "unknown-upstream")).toBe(false);

    const removed = (await start({ upstream: blue }).provider.check()).findings;
    expect(removed.find(({ check }) => check === "unknown-upstream")).toMatchObject({
      status: "warning",
      what: expect.stringContaining(`2 logins in the store are of ${red.issuer}`),
      remedy: expect.stringContaining(red.issuer),
    });
  });

  it("says what an upstream lacks, and what installs it, as the server starts and when it is looked at", async () => {
    const { start, red, blue } = twoUpstreams({ repositories: createInMemoryRepositories() });
    const lines: string[] = [];
    const write = (...parts: readonly unknown[]) => void lines.push(parts.join(" "));
    const logger = { debug: write, info: write, warn: write, error: write };
    const { ConfigurationError } = await import("../../../src/errors.ts");
    const message = "It needs a package: run `npm install openid-client`.";
    Object.assign(red, { prepare: () => Promise.reject(new ConfigurationError(message)) });
    const { provider } = start({ upstreams: [red, blue], logger });
    await vi.waitFor(() => expect(lines.join("\n")).toContain("npm install openid-client"));
    const { findings, status } = await provider.check();
    expect(status).toBe("error");
    expect(findings.find(({ check }) => check === "upstream-package")).toMatchObject({
      status: "error",
      what: message,
    });
  });
});
