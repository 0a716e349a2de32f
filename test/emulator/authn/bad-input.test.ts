import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BrowserSession } from "../../support/browser-session.ts";
import { ada, authorizationRequest, logIn, type ServedAuthn, serveAuthn, serviceToken } from "./served-authn.ts";

let served: ServedAuthn;

beforeAll(async () => {
  served = await serveAuthn();
});

afterAll(async () => {
  await served[Symbol.asyncDispose]();
});

const paths = [
  "/",
  "//",
  "//elsewhere.example/v2/oauth/authorize",
  "/%zz",
  "/v2/oauth",
  "/v2/oauth/authorize?%zz&client_id=%ff",
  "/v2/oauth/authorize?client_id=a&client_id=b&state=1",
  "/v2/oauth/authorize/unknown",
  "/v2/oauth/login/",
  "/v2/oauth/login/%2e%2e",
  "/v2/oauth/token",
  "/v2/oauth/token/introspect",
  "/v2/oauth/token/revoke",
  "/v2/oauth/clients?client_id=__proto__",
  "/v2/oauth/clients/register",
  "/v2/oauth/jwks",
  "/authn/",
  "/authn/v2/client/token/check",
  "/authn/v2/client/session/refresh",
  "/session/end/confirm",
];

const bodies: readonly [string, string, string][] = [
  ["no content type", "", "x"],
  ["a form that is no form", "application/x-www-form-urlencoded", "%zz=%ff&&&=&grant_type[]=1"],
  [
    "a repeated parameter",
    "application/x-www-form-urlencoded",
    "grant_type=refresh_token&grant_type=password&token=a&token=b",
  ],
  ["broken JSON", "application/json", "{"],
  ["deep JSON", "application/json", "[".repeat(20_000)],
  ["a prototype", "application/json", '{"__proto__":{"token":"x"},"constructor":1}'],
  ["JSON null", "application/json", "null"],
  ["100 KiB", "application/x-www-form-urlencoded", `token=${"a".repeat(100 * 1024)}`],
];

/** `fetch` normalises a path; this sends it as it is. */
function send(method: string, path: string, contentType = "", body = ""): Promise<number> {
  const { hostname, port } = new URL(served.issuer);
  return new Promise((resolve, reject) => {
    const sent = request({
      hostname,
      port,
      path,
      method,
      headers: {
        authorization: `Bearer ${serviceToken}`,
        "content-length": Buffer.byteLength(body),
        ...(contentType === "" ? {} : { "content-type": contentType }),
      },
    });
    sent.on("response", (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

test.each(paths)("GET %s is answered without a server error", async (path) => {
  expect(await send("GET", path)).toBeLessThan(500);
});

test.each(bodies)("a body with %s is answered without a server error everywhere", async (_case, contentType, body) => {
  const statuses = await Promise.all(paths.map((path) => send("POST", path, contentType, body)));

  expect(paths.filter((_path, index) => (statuses[index] ?? 500) >= 500)).toStrictEqual([]);
});

test.each(["Basic", "Basic !!!", "Basic OnB3", "Basic cHNh", "Bearer x", "Digest a=b"])(
  "the client authentication '%s' is refused",
  async (authorization) => {
    const response = await fetch(`${served.issuer}/v2/oauth/token`, {
      method: "POST",
      headers: { authorization },
      body: new URLSearchParams({ grant_type: "authorization_code", code: "x" }),
    });

    expect([400, 401]).toContain(response.status);
  },
);

test("a login form that is not one shows the form again", async () => {
  const browser = new BrowserSession();
  const { url } = await authorizationRequest(served);
  const login = new URL((await browser.fetch(url)).headers.get("location") ?? "", served.issuer);

  const response = await browser.fetch(login, { method: "POST", body: "\u0000%zz" });

  expect(response.status).toBe(400);
  expect(await response.text()).toContain("Wrong username or password.");
});

test("the emulator still works afterwards", async () => {
  expect((await logIn(served, { login: ada })).access_token).toMatch(/^ptu_/);
});
