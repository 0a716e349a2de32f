import { expect, it } from "vitest";
import type { McpOAuthProvider } from "../../../src/index.ts";
import { AccountBrowser } from "../../support/account-browser.ts";
import { logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import type { ClientHarness } from "../../support/provider-harness.ts";
import { logInAt, twoUpstreams } from "../../support/two-upstreams.ts";

/** Signs in to the account page at an upstream. */
async function signInAt(harness: ClientHarness<McpOAuthProvider>, id: string): Promise<AccountBrowser> {
  const page = new AccountBrowser(harness);
  await page.open();
  const begun = await page.send(`sign-in:${id}`);
  await page.comeBack(logInAtFakeUpstream(new URL(begun.headers.get("location") ?? ""), "ada"));
  await page.open();
  return page;
}

it("a person chooses where to sign in to the account page", async () => {
  const harness = twoUpstreams().start();
  const page = new AccountBrowser(harness);
  await page.open();
  expect(page.text).toContain("Log in with Red Login");
  expect(page.text).toContain("Log in with Blue Login");
  for (const action of ["sign-in", "sign-in:green", "sign-in:"]) expect((await page.send(action)).status).toBe(400);
  const begun = await page.send("sign-in:blue");
  expect(new URL(begun.headers.get("location") ?? "").origin).toBe("https://login.blue.example");
});

it("users of two upstreams with one subject see and end their own grants only", async () => {
  const harness = twoUpstreams().start();
  const { client_id: clientId } = await harness.register({ client_name: "Scribe" });
  const [reds, blues] = [
    await logInAt(harness, { id: "red", clientId }),
    await logInAt(harness, { id: "blue", clientId }),
  ];
  const page = await signInAt(harness, "red");
  expect(page.hidden("client")).toHaveLength(1);
  expect(page.text).not.toContain("2 logins");
  const info = await harness.provider.verifyAccessToken(blues.access_token ?? "");
  const form = page.formToken;
  expect((await page.send("end-login", { form, grant: String(info.extra.grantId) })).status).toBe(403);
  await page.send("end-client", { form, client: clientId });
  await page.send("end-all", { form });
  expect(await harness.mcpStatus(reds.access_token ?? "")).toBe(401);
  expect(await harness.mcpStatus(blues.access_token ?? "")).toBe(200);
  const other = await signInAt(harness, "blue");
  expect(other.hidden("client")).toEqual([clientId]);
});

it("an answer of one upstream is not taken at the callback of the other", async () => {
  const harness = twoUpstreams().start();
  const page = new AccountBrowser(harness);
  await page.open();
  const begun = await page.send("sign-in:red");
  const callback = logInAtFakeUpstream(new URL(begun.headers.get("location") ?? ""), "ada");
  callback.pathname = callback.pathname.replace("/red/", "/blue/");
  expect((await page.comeBack(callback)).status).toBe(403);
  expect(page.cookie).not.toContain("_account_");
});
