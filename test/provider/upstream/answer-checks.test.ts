import { describe, expect, it } from "vitest";
import { accountServer } from "../../support/account-server.ts";
import { logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { heard } from "../../support/provider-events.ts";
import { pkce } from "../../support/provider-harness.ts";

const tokens = { token: "a secret of the upstream", refreshToken: "another secret of the upstream" };

/** Logs in at an upstream whose methods answer something else; gives back what the client and the operator read. */
async function logIn(answers: Readonly<Record<string, unknown>>) {
  const server = accountServer();
  for (const [method, answer] of Object.entries(answers)) Object.assign(server.upstream, { [method]: () => answer });
  const clientId = await server.register("A client");
  const outages = heard("outage");
  const { challenge } = pkce();
  const page = await server.harness.openConsentPage({ client_id: clientId, code_challenge: challenge });
  const decided = await server.harness.decide(page, "allow");
  const location = new URL(decided.headers.get("location") ?? "");
  const isSentBack = location.searchParams.has("error");
  const cookie = `${page.cookie}; ${decided.headers.getSetCookie()[0]?.split(";")[0]}`;
  const answer = isSentBack ? location : await server.harness.finishLogin(logInAtFakeUpstream(location, "ada"), cookie);
  return { error: answer.searchParams.get("error"), told: outages.stop(), lines: server.lines };
}

describe("an upstream that answers what no upstream does ends the login with a clear error", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["a subject that is a number", { identify: { subject: 42 } }, "subject must be a text with something in it"],
    ["a subject without content", { identify: { subject: " " } }, "subject must be a text with something in it"],
    ["no subject by null", { identify: { subject: null } }, "is null"],
    ["a username that is a number", { identify: { subject: "ada", username: 42 } }, "username must be a text"],
    ["a username that is null", { identify: { subject: "ada", username: null } }, "username must be a text"],
    ["addresses in a list", { identify: { subject: "ada", email: ["ada@example.org"] } }, "email must be a text"],
    ["nobody", { identify: undefined }, "the answer is no object"],
    ["a text in place of an identity", { identify: "ada" }, "the answer is no object"],
    ["no tokens", { exchange: undefined }, "the answer is no object"],
    ["tokens without the access token", { exchange: { refreshToken: "a" } }, "token is missing"],
    ["an empty access token", { exchange: { token: "" } }, "an empty text"],
    ["a refresh token that is null", { exchange: { ...tokens, refreshToken: null } }, "refreshToken must be a text"],
    ["an ID token that is an object", { exchange: { ...tokens, idToken: {} } }, "idToken must be a text"],
    ["an expiry in text", { exchange: { ...tokens, expiresAt: "3600" } }, "expiresAt must be a time in epoch seconds"],
    ["an expiry in milliseconds", { exchange: { ...tokens, expiresAt: 1.8e12 } }, "is in milliseconds"],
    ["an expiry that is no number", { exchange: { ...tokens, expiresAt: Number.NaN } }, "expiresAt must be a time"],
    ["scopes in a text", { exchange: { ...tokens, scopes: "openid email" } }, "scopes must be a list of texts"],
    ["scopes that are no texts", { exchange: { ...tokens, scopes: [5] } }, "scopes must be a list of texts"],
    ["a date by its clock", { exchange: { ...tokens, answeredAt: new Date(0) } }, "answeredAt must be a time"],
    ["an address that is a text", { authorizationUrl: "https://login.fake.example" }, "the answer is no URL"],
    ["no address", { authorizationUrl: undefined }, "the answer is no URL"],
  ])("%s", async (_, answers, said) => {
    const { error, told, lines } = await logIn(answers);
    expect(error).toBe("server_error");
    expect(JSON.stringify(told) + lines.join("\n")).toContain(said);
    expect(JSON.stringify(told) + lines.join("\n")).not.toContain("ERR_UNEXPECTED");
    expect(JSON.stringify(told) + lines.join("\n")).not.toContain("secret of the upstream");
  });
});

it("a user's name is shown in one line, without what nobody sees or what turns text round, and not all of a long one", async () => {
  const server = accountServer();
  const nameOf = async (username: string) => {
    Object.assign(server.upstream, { identify: async () => ({ subject: "ada", username }) });
    const browser = server.browser();
    await browser.signIn();
    return /<p class="quiet">[^<]*<bdi>(.*?)<\/bdi>/s.exec(browser.html)?.[1];
  };
  expect(await nameOf("ada\u202e<b>\u0007\n\u200bx")).toBe("ada &lt;b&gt; x");
  expect(await nameOf("Ada Lovelace")).toBe("Ada Lovelace");
  expect(await nameOf("עדה")).toBe("עדה");
  expect((await nameOf("n".repeat(200_000)))?.length).toBeLessThan(310);
});
