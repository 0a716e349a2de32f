import { beforeEach, describe, expect, it } from "vitest";
import { joinCookies, ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

// RFC 9700 section 4.11.2: anybody can register a client at a site of phishers, and make a request of it that fails. A link
// to the honest server, which people trust, would then lead to that site without a word.

const emulator = useEmulator({ users: [{ username: "ada@example.com" }] });
const evil = "https://evil.example/phish";
const login = { username: "ada@example.com", password: "password" };

let harness: ProviderHarness;
beforeEach(() => {
  harness = new ProviderHarness({
    ...providerOptions(emulator.issuerUrl),
    clients: [{ client_id: "known", client_name: "Known", redirect_uris: ["https://known.example/callback"] }],
  });
});

/** Requests of a client that fail before a person is asked. */
const failing = [
  ["no response_type", { response_type: "" }],
  ["a response_type that is not served", { response_type: "token" }],
  ["a response_mode that is not served", { response_mode: "fragment" }],
  ["no code_challenge", { code_challenge: "" }],
  ["a weak code_challenge_method", { code_challenge_method: "plain" }],
  ["a resource of another server", { resource: "https://other.example/mcp" }],
  ["a state that is too long", { state: "s".repeat(2000) }],
  ["prompt=none", { prompt: "none" }],
  ["prompt=none beside another value", { prompt: "none login" }],
] as const;

const request = (client_id: string, redirect_uri: string, changes: Record<string, string> = {}) =>
  harness.authorizePath({ client_id, redirect_uri, code_challenge: pkce().challenge, ...changes });

/** Registers a client at one redirect URI. */
const register = async (redirect_uri: string) => (await harness.register({ redirect_uris: [redirect_uri] })).client_id;

/** A browser in which the person has allowed a client and logged in; its cookies. */
async function allowed(client_id: string, redirect_uri: string): Promise<string> {
  const page = await harness.openConsentPage({ client_id, redirect_uri, code_challenge: pkce().challenge });
  const begun = await harness.decide(page, "allow");
  const callback = await harness.logInUpstream(new URL(begun.headers.get("location") ?? ""), login);
  return (await harness.followCallback(callback, joinCookies(page.cookie, begun))).cookie;
}

describe("a link to this server leads no victim to a stranger's site by", () => {
  it.each(failing)("%s", async (_, changes) => {
    const response = await harness.get(request(await register(evil), evil, changes));
    expect(response.headers.get("location")).toBeNull();
    expect(response.headers.get("refresh")).toBeNull();
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    const html = await response.text();
    expect(html, "the page names the site").toContain("<bdi>evil.example</bdi>");
    expect(html, "and leaves it to the person to go there").toContain(`href="${evil}?error=`);
    expect(html).not.toMatch(/http-equiv="?refresh|<script/i);
  });

  it.each(failing)("%s, posted by a form", async (_, changes) => {
    const parameters = new URL(request(await register(evil), evil, changes), harness.baseUrl).searchParams;
    const response = await harness.postForm("/authorize", Object.fromEntries(parameters));
    expect(response.headers.get("location")).toBeNull();
  });
});

it("nor does it start an application on the victim's device", async () => {
  const application = "com.example.app:/callback";
  const response = await harness.get(request(await register(application), application, { response_type: "token" }));
  expect(response.headers.get("location")).toBeNull();
  expect(await response.text()).toContain("com.example.app (an application)");
});

it("a victim who has allowed another client is led no further, nor by that client's name at another address", async () => {
  const honest = "https://scribe.example/callback";
  const { client_id } = await harness.register({ redirect_uris: [honest, evil] });
  const cookie = await allowed(client_id, honest);
  const stranger = await register(evil);
  for (const path of [request(client_id, evil, { prompt: "none" }), request(stranger, evil, { prompt: "none" })]) {
    expect((await harness.get(path, { cookie })).headers.get("location")).toBeNull();
  }
});

it("a copy of the victim's memory opens no way in another browser", async () => {
  const honest = "https://scribe.example/callback";
  const client_id = await register(honest);
  const cookie = (await allowed(client_id, honest)).split("; ").filter((pair) => !pair.includes("_browser_"));
  const path = request(client_id, honest, { response_type: "token" });
  expect((await harness.get(path, { cookie: cookie.join("; ") })).headers.get("location")).toBeNull();
});

describe("the client hears of the error at once", () => {
  const errorAt = async (client_id: string, redirect_uri: string, cookie = "") => {
    const path = request(client_id, redirect_uri, { response_type: "token" });
    const { searchParams, origin, pathname } = new URL(
      (await harness.get(path, { cookie })).headers.get("location") ?? "",
    );
    expect(origin + pathname).toBe(redirect_uri);
    return searchParams.get("error");
  };

  it.each(["http://127.0.0.1:4999/callback", "http://localhost:4999/callback", "https://localhost:4999/callback"])(
    "where it is a program on the person's computer: %s",
    async (uri) => {
      expect(await errorAt(await register(uri), uri)).toBe("unsupported_response_type");
    },
  );

  it("where the operator has set it up", async () => {
    expect(await errorAt("known", "https://known.example/callback")).toBe("unsupported_response_type");
  });

  it("where this browser has allowed it before, whatever it asks for now", async () => {
    const honest = "https://scribe.example/callback";
    const client_id = await register(honest);
    const cookie = await allowed(client_id, honest);
    expect(await errorAt(client_id, honest, cookie)).toBe("unsupported_response_type");
  });

  it("where the person has said no on a page that named it", async () => {
    const honest = "https://scribe.example/callback";
    const page = await harness.openConsentPage({
      client_id: await register(honest),
      redirect_uri: honest,
      code_challenge: pkce().challenge,
    });
    expect(page.html).toContain("scribe.example");
    const { searchParams } = new URL((await harness.decide(page, "deny")).headers.get("location") ?? "");
    expect(searchParams.get("error")).toBe("access_denied");
  });
});
