import { describe, expect, it } from "vitest";
import { accountServer } from "../../support/account-server.ts";
import { logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { pkce } from "../../support/provider-harness.ts";

/** Texts on which an expression that is tried at every place, or a list that is copied for each member, shows. */
const texts: Readonly<Record<string, string>> = {
  slashes: "/",
  spaces: " ",
  tabs: "\t",
  letters: "a",
  digits: "1",
  words: "a ",
  "different words": "# ",
  names: "a,",
  labels: "a.",
  ats: "@",
  colons: ":",
  "question marks": "?",
  percents: "%",
  brackets: "[",
  braces: "{a",
  dots: "../",
  equals: "=",
  "pairs of a cookie": "__Host-pangea_mcp_browser_#=a; __Host-pangea_mcp_browser_post=a; ",
  marks: "\u0316\u0300",
  controls: "\u202e",
};

/** A text that repeats one, and ends in what an expression did not expect. A `#` becomes another number each time. */
function long(text: string, length: number): string {
  const repeated = text.includes("#")
    ? Array.from({ length: length / text.length }, (_, at) => text.replaceAll("#", String(at))).join("")
    : text.repeat(length / text.length);
  return `${repeated.slice(0, length - 1)}x`;
}

/** Makes the request that has a text in one place. */
type Place = (text: string) => Request;

/** Every place of every endpoint in which a caller's text can stand. */
async function places(): Promise<{
  readonly server: ReturnType<typeof accountServer>;
  readonly places: ReadonlyMap<string, Place>;
}> {
  const server = accountServer({ rateLimits: false, overload: false, baseUrl: "https://mcp.example" });
  const { harness } = server;
  const { baseUrl, redirectUri } = harness;
  const clientId = await server.register("A client");
  const { challenge } = pkce();
  const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  const callback = logInAtFakeUpstream(location, "ada");
  const page = await harness.openConsentPage({ client_id: clientId, code_challenge: challenge });
  const browser = server.browser();
  await browser.signIn();

  const found = new Map<string, Place>();
  const at = (path: string, query: Readonly<Record<string, string>>, headers: Record<string, string> = {}) =>
    new Request(`${baseUrl}${path}?${new URLSearchParams(query)}`, { headers });
  const post = (path: string, form: Readonly<Record<string, string>>, headers: Record<string, string> = {}) =>
    new Request(`${baseUrl}${path}`, { method: "POST", body: new URLSearchParams(form), headers });

  const authorize = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: "S256",
  };
  const further = ["response_mode", "scope", "state", "prompt", "login_hint", "idp_hint", "resource", "max_age"];
  for (const name of [...Object.keys(authorize), ...further]) {
    found.set(`${name} of /authorize`, (text) => at("/authorize", { ...authorize, [name]: text }));
  }
  found.set("an https client_id of /authorize", (text) =>
    at("/authorize", { ...authorize, client_id: `https://${text}` }),
  );
  const answered = Object.fromEntries(callback.searchParams);
  for (const name of ["state", "code", "error", "iss", "error_description"]) {
    const others = name === "error" ? {} : answered;
    const given = { ...others, state: answered.state ?? "" };
    found.set(`${name} of the callback`, (text) => at(callback.pathname, { ...given, [name]: text }, { cookie }));
    found.set(`${name} of the callback, with a scheme`, (text) =>
      at(callback.pathname, { ...given, [name]: `https://${text}` }, { cookie }),
    );
  }
  const origin = { origin: baseUrl };
  for (const name of ["request", "decision"]) {
    const decided = { request: page.sealed, decision: "allow", [name]: "" };
    found.set(`${name} of /consent`, (text) =>
      post("/consent", { ...decided, [name]: text }, { ...origin, cookie: page.cookie }),
    );
  }
  const form = { form: browser.formToken, action: "end-client", client: clientId };
  for (const name of ["form", "action", "client", "grant"]) {
    const action = name === "grant" ? "end-login" : form.action;
    found.set(`${name} of /account`, (text) =>
      post("/account", { ...form, action, [name]: text }, { ...origin, cookie: browser.cookie }),
    );
  }
  found.set("done of /account", (text) => at("/account", { done: text }, { cookie: browser.cookie }));
  const assertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
  const token = {
    grant_type: "authorization_code",
    code: "mcp_code",
    client_id: clientId,
    code_verifier: "a".repeat(43),
  };
  for (const name of [...Object.keys(token), "redirect_uri", "client_secret", "resource", "scope"]) {
    found.set(`${name} of /token`, (text) => post("/token", { ...token, [name]: text }));
  }
  found.set("refresh_token of /token", (text) =>
    post("/token", { grant_type: "refresh_token", client_id: clientId, refresh_token: text }),
  );
  for (const name of ["client_assertion", "client_assertion_type"]) {
    const shown = { ...token, client_assertion: "a.b.c", client_assertion_type: assertion };
    found.set(`${name} of /token`, (text) => post("/token", { ...shown, [name]: text }));
  }
  for (const name of ["token", "token_type_hint", "client_id"]) {
    found.set(`${name} of /revoke`, (text) => post("/revoke", { token: "pmcp_a", client_id: clientId, [name]: text }));
  }
  const members = ["scope", "client_name", "client_uri", "logo_uri", "jwks_uri", "contacts", "grant_types"];
  const others = ["response_types", "token_endpoint_auth_method", "software_id", "application_type", "jwks"];
  for (const name of ["redirect_uris", ...members, ...others]) {
    for (const [form, shape] of Object.entries({ text: (text: string) => text, list: (text: string) => [text] })) {
      found.set(`${name} of /register as a ${form}`, (text) => {
        const metadata = { redirect_uris: [redirectUri], [name]: shape(text) };
        const headers = { "content-type": "application/json" };
        return new Request(`${baseUrl}/register`, { method: "POST", body: JSON.stringify(metadata), headers });
      });
    }
  }
  const many = (uri: (at: number) => string) => (text: string) => {
    const uris = Array.from({ length: Math.floor(text.length / (uri(1000).length + 3)) }, (_, at) => uri(at));
    const headers = { "content-type": "application/json" };
    return new Request(`${baseUrl}/register`, {
      method: "POST",
      body: JSON.stringify({ redirect_uris: uris }),
      headers,
    });
  };
  found.set(
    "many short redirect URIs",
    many((at) => `com.x${at}:/`),
  );
  found.set(
    "many refused redirect URIs",
    many((at) => `javascript:${at}`),
  );
  const headers = ["authorization", "cookie", "origin", "user-agent", "content-type", "sec-fetch-site"];
  for (const name of [...headers, "access-control-request-headers", "access-control-request-method"]) {
    for (const [path, method] of [
      ["/token", "POST"],
      ["/account", "GET"],
      ["/register", "OPTIONS"],
    ] as const) {
      for (const scheme of name === "authorization" ? ["", "Basic ", "Bearer "] : [""]) {
        const value = (text: string) => `${scheme}${text}`;
        found.set(`the header ${name} ${scheme}of ${method} ${path}`, (text) => {
          const body = method === "POST" ? { body: new URLSearchParams(token) } : {};
          return new Request(`${baseUrl}${path}`, { method, ...body, headers: { [name]: value(text) } });
        });
      }
    }
  }
  found.set("the path", (text) => new Request(`${baseUrl}/${encodeURI(text)}`));
  return { server, places: found };
}

/** The processor's time of a request, in milliseconds. */
async function timeOf(make: Place, text: string, answer: (request: Request) => Promise<unknown>): Promise<number> {
  const request = make(text);
  const before = process.cpuUsage();
  await answer(request);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** What is never looked at closer, in milliseconds: text of 60,000 characters is not read in no time. */
const unremarkable = 25;

/** How much longer a text that is four times as long may take. What is quadratic takes sixteen times as long. */
const tolerated = 9;

describe("a long text of a caller", () => {
  it("costs in proportion to its length, wherever it stands", async () => {
    const { server, places: all } = await places();
    const tooSlow: string[] = [];
    const lookInto = async (
      where: string,
      kind: string,
      make: Place,
      answer: (request: Request) => Promise<unknown>,
    ) => {
      const text = texts[kind] ?? "";
      // A text that a header cannot have comes in no request.
      try {
        make(long(text, 100));
      } catch {
        return;
      }
      if ((await timeOf(make, long(text, 60_000), answer)) < unremarkable) return;
      const fastest = async (length: number) => {
        const times: number[] = [];
        for (let run = 0; run < 4; run += 1) times.push(await timeOf(make, long(text, length), answer));
        return Math.min(...times);
      };
      const [short, longer] = [await fastest(15_000), await fastest(60_000)];
      if (longer > unremarkable && longer > tolerated * short) {
        tooSlow.push(`${kind} as ${where}: ${short.toFixed(1)} ms, then ${longer.toFixed(1)} ms`);
      }
    };
    for (const [where, make] of all) {
      for (const kind of Object.keys(texts)) {
        await lookInto(where, kind, make, (request) => server.provider.fetch(request));
        if (!where.startsWith("the header authorization")) continue;
        await lookInto(`${where}, at the guard`, kind, make, (request) => server.provider.authenticate(request));
      }
    }
    expect(tooSlow).toEqual([]);
  }, 120_000);

  it("is no issuer: nobody compares it", async () => {
    const { server, places: all } = await places();
    const answer = (length: number) => {
      const make = all.get("iss of the callback");
      return make && server.provider.fetch(make("a".repeat(length)));
    };
    expect((await answer(2048))?.status).toBe(302);
    expect((await answer(2049))?.status).toBe(400);
  });
});
