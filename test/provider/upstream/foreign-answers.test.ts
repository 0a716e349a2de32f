import { describe, expect, it } from "vitest";
import type { UpstreamRejectedError } from "../../../src/errors.ts";
import { openIdConnect, type Upstream } from "../../../src/index.ts";
import { scriptedClient, scriptedOpenIdProvider } from "../../support/scripted-openid-provider.ts";
import { pangeaAt, plainUpstream, type Send } from "../../support/sent-upstreams.ts";

const redirectUri = "http://localhost:8000/callback";
const exchange = { code: "code", codeVerifier: "a verifier of forty-three characters, or of more", redirectUri };
const html = { "content-type": "text/html; charset=utf-8" };

/** What answers in the place of an identity provider. */
const foreign: Readonly<Record<string, () => Response>> = {
  "a page of maintenance": () => new Response("<html>Back soon</html>", { headers: html }),
  "a page of JSON's type": () => new Response("<html>", { headers: { "content-type": "application/json" } }),
  "a redirect to a login page": () =>
    new Response(null, { status: 302, headers: { location: "https://sso.example/in" } }),
  "a list": () => Response.json([1, 2]),
  nothing: () => new Response(null),
};

/** A call of an upstream, whose answer comes from something else. */
interface Call {
  readonly path: string;
  readonly run: (answer: () => Response) => Promise<unknown>;
}

/** Answers one path from something else, and leaves the others as they are. */
const instead =
  (path: string, answer: () => Response, others: Send): Send =>
  async (request) =>
    new URL(request.url).pathname === path ? answer() : others(request);

const pangea = (path: string, answer: () => Response): Upstream =>
  pangeaAt(
    "https://login.example",
    instead(path, answer, async () => Response.json({})),
  );

const openId = async (path: string, answer: () => Response): Promise<Upstream> => {
  const provider = await scriptedOpenIdProvider();
  const send = instead(path, answer, provider.fetch);
  return openIdConnect({ issuer: provider.issuer, ...scriptedClient, fetch: send });
};

const plain = (path: string, answer: () => Response): Upstream =>
  plainUpstream(instead(path, answer, async () => Response.json({})));

const pangeaCall = (path: string, call: (upstream: Upstream) => Promise<unknown> | undefined): Call => ({
  path,
  run: async (answer) => call(pangea(path, answer)),
});

const calls: Readonly<Record<string, Call>> = {
  "Pangea's token endpoint": pangeaCall("/v2/oauth/token", (upstream) => upstream.exchange(exchange)),
  "Pangea's refresh": pangeaCall("/v2/oauth/token", (upstream) => upstream.refresh("old")),
  "Pangea's introspection": pangeaCall("/v2/oauth/token/introspect", (upstream) => upstream.identify({ token: "a" })),
  "OpenID discovery": {
    path: "/.well-known/openid-configuration",
    run: async (answer) => (await openId("/.well-known/openid-configuration", answer)).exchange(exchange),
  },
  "an OpenID provider's token endpoint": {
    path: "/token",
    run: async (answer) => (await openId("/token", answer)).exchange(exchange),
  },
  "the token endpoint of OAuth 2.0": {
    path: "/token",
    run: async (answer) => plain("/token", answer).exchange(exchange),
  },
};

/** What answers every request, as a proxy or a login of the network does. */
const everywhere: Readonly<Record<string, () => Response>> = {
  ...foreign,
  "an object": () => Response.json({}),
  "a gateway that knows no such path": () => Response.json({ message: "no route" }, { status: 404 }),
};

const owners: Readonly<Record<string, (send: Send) => Upstream>> = {
  "Pangea AuthN": (send) => pangeaAt("https://login.example", send),
  "an OpenID provider": (send) => openIdConnect({ issuer: "https://id.example", ...scriptedClient, fetch: send }),
  "a provider of OAuth 2.0": (send) => plainUpstream(send),
};

const looks = Object.entries(owners).flatMap(([of, make]) =>
  Object.entries(everywhere).map(([name, answer]) => [name, of, make, answer] as const),
);

describe("what a check has not seen is not ok", () => {
  it.each(looks)("%s in the place of %s", async (_name, _of, make, answer) => {
    const findings = (await make(async () => answer()).diagnose?.(redirectUri)) ?? [];
    const statuses = Object.fromEntries(findings.map(({ check, status }) => [check, status]));
    expect(statuses).toEqual({ "upstream-issuer": "error", "upstream-client": "warning", "redirect-uri": "warning" });
    for (const { remedy } of findings) expect(remedy).toEqual(expect.any(String));
  });

  it.each(Object.keys(foreign))("%s where the metadata is right and nothing else", async (name) => {
    const answer = foreign[name] ?? (() => new Response(null));
    const issuer = "https://login.example";
    const send: Send = async ({ url }) => (url.includes("/.well-known/") ? Response.json({ issuer }) : answer());
    const findings = (await pangeaAt("https://login.example", send).diagnose?.(redirectUri)) ?? [];
    expect(findings.filter(({ status }) => status === "ok").map(({ check }) => check)).toEqual(["upstream-issuer"]);
    expect(findings.find(({ check }) => check === "upstream-client")?.status).toBe("error");
  });

  it.each(Object.keys(foreign))("%s at the other endpoints of an OpenID provider", async (name) => {
    const answer = foreign[name] ?? (() => new Response(null));
    const provider = await scriptedOpenIdProvider();
    const send: Send = (request) =>
      ["/token", "/authorize", "/jwks"].includes(new URL(request.url).pathname)
        ? Promise.resolve(answer())
        : provider.fetch(request);
    const upstream = openIdConnect({ issuer: provider.issuer, ...scriptedClient, fetch: send });
    const findings = (await upstream.diagnose?.(redirectUri)) ?? [];
    const statuses = Object.fromEntries(findings.map(({ check, status }) => [check, status]));
    expect(statuses).toMatchObject({
      "upstream-keys": "error",
      "upstream-client": "error",
      "redirect-uri": "warning",
    });
  });
});

const cases = Object.entries(calls).flatMap(([of, call]) =>
  Object.entries(foreign).map(([name, answer]) => [name, of, call, answer] as const),
);

describe("what answers in the place of an identity provider is an outage", () => {
  it.each(cases)("%s at %s", async (_name, _of, { run }, answer) => {
    await expect(run(answer)).rejects.toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
  });

  it.each([
    ["a page at Pangea's revocation", () => new Response("<html>", { headers: html }), false],
    ["a redirect at Pangea's revocation", () => Response.redirect("https://sso.example/"), false],
    ["an empty answer at Pangea's revocation, as RFC 7009 has it", () => new Response(null), true],
    ["an empty object at Pangea's revocation", () => Response.json({}), true],
  ])("%s", async (_, answer, isRevoked) => {
    const revoked = pangea("/v2/oauth/token/revoke", answer).revoke({ token: "a" });
    if (isRevoked) await expect(revoked).resolves.toBeUndefined();
    else await expect(revoked).rejects.toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
  });

  it("but not an introspection that says neither yes nor no: the client of the options may be of another kind", async () => {
    const identity = pangea("/v2/oauth/token/introspect", () => Response.json({})).identify({ token: "a" });
    await expect(identity).rejects.toMatchObject({ code: "ERR_UPSTREAM_REJECTED" });
  });

  it.each([
    ["Pangea's token endpoint", pangeaCall("/v2/oauth/token", (upstream) => upstream.exchange(exchange))],
    ["OpenID discovery", calls["OpenID discovery"]],
  ])("is told with its address, its status and its type, and without a word of its body: %s", async (_, call) => {
    const canary = "canary-7f3a";
    const answer = () => new Response(canary, { headers: { ...html, location: `https://sso.example/${canary}` } });
    const failure: unknown = await call?.run(answer).catch((thrown: unknown) => thrown);
    const { message } = Object(failure);
    expect(message).toContain("200");
    expect(message).toContain("text/html");
    expect(message).not.toContain(canary);
  });

  it("but an object that lacks what it should have is a refusal with advice", async () => {
    const failure = await (await openId("/.well-known/openid-configuration", () => Response.json({})))
      .exchange(exchange)
      .catch((thrown: UpstreamRejectedError) => thrown);
    expect(failure).toMatchObject({ code: "ERR_UPSTREAM_REJECTED", advice: expect.any(String) });
  });
});
