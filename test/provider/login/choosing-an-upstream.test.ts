import { describe, expect, it } from "vitest";
import { logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { pkce } from "../../support/provider-harness.ts";
import { logInAt, twoUpstreams } from "../../support/two-upstreams.ts";

const scene = () => {
  const parts = twoUpstreams({ emailDomains: { "Red.example": "red", "bücher.example": "red" } });
  return { ...parts, harness: parts.start() };
};
const parametersOf = (clientId: string, others: Record<string, string> = {}) => ({
  client_id: clientId,
  code_challenge: pkce().challenge,
  ...others,
});
const buttonsOf = (html: string) => [...html.matchAll(/name="decision" value="([^"]+)"/g)].map(([, value]) => value);
const linksOf = (html: string) =>
  [...html.matchAll(/class="button" href="([^"]+)"/g)].map(([, href = ""]) => href.replaceAll("&amp;", "&"));
const hostOf = (response: Response) => new URL(response.headers.get("location") ?? "").host;

describe("who is asked for consent", () => {
  it("allows and chooses with one click", async () => {
    const { harness } = scene();
    const { client_id: clientId } = await harness.register();
    const page = await harness.openConsentPage(parametersOf(clientId));
    expect(buttonsOf(page.html)).toEqual(["allow:red", "allow:blue", "deny"]);
    expect(page.html).toContain("Allow and log in with <bdi>Blue Login</bdi>");
    expect(page.html).not.toContain("<details>");
    for (const id of ["red", "blue"]) {
      expect(hostOf(await harness.decide(page, `allow:${id}`))).toBe(`login.${id}.example`);
    }
  });

  it.each([
    ["an id", { idp_hint: "blue" }, "blue"],
    ["a domain, in any case", { login_hint: "ada@RED.example" }, "red"],
    ["a domain in its own letters", { login_hint: "ada@bücher.example" }, "red"],
    ["the same domain in ASCII", { login_hint: "ada@xn--bcher-kva.example" }, "red"],
    ["an id before a domain", { idp_hint: "blue", login_hint: "ada@red.example" }, "blue"],
  ])("finds one chosen by %s, and the others folded behind it", async (_, hints, chosen) => {
    const { harness } = scene();
    const { client_id: clientId } = await harness.register();
    const page = await harness.openConsentPage(parametersOf(clientId, hints));
    const other = chosen === "red" ? "blue" : "red";
    expect(buttonsOf(page.html)).toEqual([`allow:${chosen}`, "deny", `allow:${other}`]);
    expect(page.html).toContain("Log in with another account");
    const response = await harness.decide(page, `allow:${chosen}`);
    const { loginHint } = Object.fromEntries(new URL(response.headers.get("location") ?? "").searchParams);
    expect(loginHint).toBe("login_hint" in hints ? hints.login_hint : undefined);
  });

  it.each([
    { idp_hint: "green" },
    { login_hint: "ada" },
    { login_hint: "ada@blue.example" },
    { login_hint: "red.example" },
    { login_hint: "@red.example" },
    { login_hint: "ada@red.example@blue.example" },
    { idp_hint: "" },
  ])("chooses where a hint means nothing here: %j", async (hints) => {
    const { harness } = scene();
    const { client_id: clientId } = await harness.register();
    const { html } = await harness.openConsentPage(parametersOf(clientId, hints));
    expect(buttonsOf(html)).toEqual(["allow:red", "allow:blue", "deny"]);
  });

  it.each(["allow", "allow:", "allow:green", "allow:red:blue"])("goes nowhere by the answer %s", async (decision) => {
    const { harness } = scene();
    const { client_id: clientId } = await harness.register();
    const page = await harness.openConsentPage(parametersOf(clientId));
    const answer = new URL((await harness.decide(page, decision)).headers.get("location") ?? "");
    expect(answer.searchParams.get("error")).toBe("invalid_request");
  });

  it("is asked again where somebody else has logged in, about the same upstream", async () => {
    const { harness } = scene();
    const ada = await logInAt(harness, { id: "blue" });
    const parameters = parametersOf(ada.clientId);
    const begun = await harness.get(harness.authorizePath(parameters), { cookie: ada.cookie });
    const cookies = [ada.cookie, ...begun.headers.getSetCookie().map((line) => line.split(";")[0])].join("; ");
    const callback = logInAtFakeUpstream(new URL(begun.headers.get("location") ?? ""), "grace");
    const page = await harness.provider.fetch(new Request(callback, { headers: { cookie: cookies } }));
    expect(buttonsOf(await page.text())).toEqual(["allow:blue", "deny", "allow:red"]);
  });
});

describe("who has allowed the client in this browser", () => {
  it("goes on to where that was, without a page", async () => {
    const { harness } = scene();
    const { clientId, cookie } = await logInAt(harness, { id: "blue" });
    const response = await harness.get(harness.authorizePath(parametersOf(clientId)), { cookie });
    expect(hostOf(response)).toBe("login.blue.example");
  });

  it("has allowed nothing at another upstream", async () => {
    const { harness } = scene();
    const { clientId, cookie } = await logInAt(harness, { id: "blue" });
    const page = await harness.openConsentPage(parametersOf(clientId, { idp_hint: "red" }), cookie);
    expect(buttonsOf(page.html)).toEqual(["allow:red", "deny", "allow:blue"]);
  });

  it.each(["after going back", "by prompt=select_account"])("chooses again %s", async (how) => {
    const { harness } = scene();
    const { clientId, cookie } = await logInAt(harness, { id: "blue" });
    const begun = await harness.get(harness.authorizePath(parametersOf(clientId)), { cookie });
    const kept = begun.headers.getSetCookie().map((line) => line.split(";")[0]);
    const isBack = how === "after going back";
    const parameters = parametersOf(clientId, isBack ? {} : { prompt: "select_account" });
    const page = await harness.get(harness.authorizePath(parameters), {
      cookie: isBack ? [cookie, ...kept].join("; ") : cookie,
    });
    expect(page.status).toBe(200);
    const [red = "", blue = ""] = linksOf(await page.text());
    expect(hostOf(await harness.get(blue, { cookie }))).toBe("login.blue.example");
    const asked = await harness.get(red, { cookie });
    expect(buttonsOf(await asked.text()), "nothing was allowed there").toEqual(["allow:red", "deny", "allow:blue"]);
  });

  it("chooses where it was at both, and a hint spares that; the request stays as it was", async () => {
    const { harness } = scene();
    const { clientId, cookie } = await logInAt(harness, { id: "blue" });
    const page = await harness.openConsentPage(parametersOf(clientId, { idp_hint: "red" }), cookie);
    const begun = await harness.decide(page, "allow:red");
    const cookies = [page.cookie, ...begun.headers.getSetCookie().map((line) => line.split(";")[0])].join("; ");
    const both = await harness.followCallback(
      logInAtFakeUpstream(new URL(begun.headers.get("location") ?? ""), "ada"),
      cookies,
    );
    const parameters = parametersOf(clientId, { state: "s & t", scope: "user" });
    const asked = await harness.get(harness.authorizePath(parameters), { cookie: both.cookie });
    const links = linksOf(await asked.text());
    expect(links).toHaveLength(2);
    for (const [index, id] of ["red", "blue"].entries()) {
      const link = links[index] ?? "";
      const { idp_hint: hint, ...same } = Object.fromEntries(new URL(link, harness.baseUrl).searchParams);
      expect(hint).toBe(id);
      expect(same).toMatchObject({ ...parameters, redirect_uri: harness.redirectUri });
      expect(hostOf(await harness.get(link, { cookie: both.cookie }))).toBe(`login.${id}.example`);
    }
    const silent = async (hints: Record<string, string>) =>
      hostOrError(
        await harness.get(harness.authorizePath({ ...parameters, prompt: "none", ...hints }), { cookie: both.cookie }),
      );
    expect(await silent({})).toBe("account_selection_required");
    expect(await silent({ idp_hint: "red" })).toBe("login.red.example");
  });

  it("is shown no page where the client wants none, and one upstream can be meant", async () => {
    const { harness } = scene();
    const { clientId, cookie } = await logInAt(harness, { id: "blue" });
    const silent = parametersOf(clientId, { prompt: "none" });
    expect(hostOrError(await harness.get(harness.authorizePath(silent), { cookie }))).toBe("login.blue.example");
    expect(hostOrError(await harness.get(harness.authorizePath(silent)))).toBe("consent_required");
  });
});

function hostOrError(response: Response): string {
  const location = new URL(response.headers.get("location") ?? "");
  return location.searchParams.get("error") ?? location.host;
}

it("the operator reads of each upstream once which redirect URI has to be registered there", async () => {
  const lines: string[] = [];
  const info = (text: unknown) => void lines.push(String(text));
  const { start } = twoUpstreams({ logger: { debug() {}, info, warn() {}, error() {} } });
  const harness = start();
  for (const id of ["red", "blue", "red"]) await logInAt(harness, { id });
  const told = lines.flatMap((line) => /come back to (\S+):/.exec(line)?.[1] ?? []);
  expect(told).toEqual(["https://mcp.example/red/callback", "https://mcp.example/blue/callback"]);
});
