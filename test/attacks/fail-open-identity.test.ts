import { describe, expect, it } from "vitest";
import { createInMemoryRepositories, type PangeaOAuthProviderOptions } from "../../src/index.ts";
import { heard } from "../support/provider-events.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { recordsOf } from "../support/records-of.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

/** A server whose Pangea answers introspections in another way. */
function whereIntrospectionAnswers(answer: () => Response) {
  const repositories = createInMemoryRepositories();
  const revoked: string[] = [];
  const options: PangeaOAuthProviderOptions = {
    ...providerOptions(emulator.issuerUrl),
    repositories,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname.endsWith("/revoke")) revoked.push(await request.clone().text());
      return pathname.endsWith("/introspect") ? answer() : fetch(request);
    },
  };
  return { harness: new ProviderHarness(options), repositories, revoked };
}

/** What a login ends with where introspection answers so. */
async function loginWhere(answer: () => Response) {
  const { harness, repositories, revoked } = whereIntrospectionAnswers(answer);
  const { client_id } = await harness.register();
  const outages = heard("outage");
  const location = await harness.logIn({ client_id, code_challenge: pkce().challenge });
  const codes = await recordsOf(repositories.authorizationCodes);
  return { error: location.searchParams.get("error"), location, codes, revoked, outages: outages.stop() };
}

const saying = (body: object, status = 200) => [() => Response.json(body, { status })] as const;

describe("nobody is logged in", () => {
  it.each<[string, readonly [() => Response], string]>([
    ["refuses this server's client", saying({ error: "invalid_client" }, 401), "server_error"],
    ["refuses this server's client in a reply of success", saying({ error: "unauthorized_client" }), "server_error"],
    ["is not served", saying({}, 404), "server_error"],
    [
      "is forbidden to this server, in Pangea's envelope",
      saying({ status: "Unauthorized", result: null }),
      "server_error",
    ],
    ["is empty", saying({}), "server_error"],
    ["does not say that the login is active", saying({ sub: "pui_ada", email: "ada@example.com" }), "server_error"],
    ["says null of it", saying({ active: null, sub: "pui_ada" }), "server_error"],
    ["names no user", saying({ active: true, email: "ada@example.com" }), "server_error"],
    ["names a user without content", saying({ active: true, sub: "" }), "server_error"],
    ["names null", saying({ active: true, sub: null }), "server_error"],
    ["says that the login is over", saying({ active: false, sub: "pui_ada" }), "access_denied"],
    ["says yes in another type", saying({ active: "true", sub: "pui_ada" }), "server_error"],
    ["names a number", saying({ active: true, sub: 7 }), "server_error"],
    ["is null", [() => Response.json(null)], "temporarily_unavailable"],
    ["is a list", [() => Response.json([{ active: true, sub: "pui_ada" }])], "temporarily_unavailable"],
    ["is a text", [() => Response.json("active")], "temporarily_unavailable"],
    ["has no content", [() => new Response(null, { status: 200 })], "temporarily_unavailable"],
    ["gives a name of another type", saying({ active: true, sub: "pui_ada", email: 7 }), "server_error"],
    ["is out", saying({}, 503), "temporarily_unavailable"],
    ["is HTML", [() => new Response("<html>", { status: 200 })], "temporarily_unavailable"],
  ])("where introspection %s", async (_, [answer], error) => {
    const ended = await loginWhere(answer);
    expect(ended.error).toBe(error);
    expect(ended.location.searchParams.has("code")).toBe(false);
    expect(ended.codes, "no code was stored").toEqual([]);
    expect(ended.revoked, "what Pangea gave is given back").not.toEqual([]);
  });
});

describe("the operator is told what to change", () => {
  it.each<[string, readonly [() => Response], readonly string[]]>([
    [
      "refuses this server",
      saying({ error: "invalid_client" }, 401),
      ["pangeaAuthnClientId", "pangeaAuthnClientSecret"],
    ],
    ["is not served", saying({}, 404), ["pangeaAuthnClientId", "/v2/oauth/token/introspect"]],
    ["names no user", saying({ active: true }), ["pangeaAuthnIssuerUrl", "pangeaAuthnClientId"]],
    ["names a number", saying({ active: true, sub: 7 }), ["pangeaAuthnIssuerUrl", "pangeaAuthnClientId"]],
    ["says yes in another type", saying({ active: "true", sub: "pui_ada" }), ["pangeaAuthnIssuerUrl"]],
  ])("where introspection %s", async (_, [answer], named) => {
    const { outages } = await loginWhere(answer);
    for (const option of named) {
      expect(outages).toMatchObject([{ code: "ERR_UPSTREAM_REJECTED", advice: expect.stringContaining(option) }]);
    }
    expect(JSON.stringify(outages)).not.toContain(providerOptions(emulator.issuerUrl).pangeaAuthnClientSecret);
  });
});

it.each<[string, () => Response]>([
  ["is null", () => Response.json(null)],
  ["is HTML", () => new Response("<html>", { status: 200 })],
])(
  "where introspection %s, something else has answered, and the operator reads which option to look at",
  async (_, answer) => {
    const { outages } = await loginWhere(answer);
    const failure = { message: expect.stringContaining("pangeaAuthnIssuerUrl") };
    expect(outages).toMatchObject([{ code: "ERR_UPSTREAM_UNAVAILABLE", failure }]);
  },
);

it("whom Pangea names is logged in, under that name", async () => {
  const { harness } = whereIntrospectionAnswers(() => Response.json({ active: true, sub: "pui_ada" }));
  const { access_token: token } = await harness.tokens();
  expect((await harness.provider.verifyAccessToken(token)).extra).toMatchObject({ subject: "pui_ada" });
});
