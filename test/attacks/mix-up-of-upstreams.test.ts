import { beforeEach, expect, it } from "vitest";
import { logInAtFakeUpstream } from "../support/fake-upstream.ts";
import { pkce } from "../support/provider-harness.ts";
import { recordsOf } from "../support/records-of.ts";
import { logInAt, twoUpstreams } from "../support/two-upstreams.ts";

/** Red is an honest identity provider, and so is blue until an attacker runs it. */
let parts: ReturnType<typeof twoUpstreams>;
let sent: [to: string, code: string][];
beforeEach(() => {
  parts = twoUpstreams();
  sent = [];
  for (const upstream of [parts.red, parts.blue]) {
    const exchange = upstream.exchange.bind(upstream);
    upstream.exchange = (given) => {
      sent.push([upstream.id, given.code]);
      return exchange(given);
    };
  }
});

/** A login that the person begins at an upstream; what it is called there. */
async function begin(id: string) {
  const harness = parts.start();
  const { client_id: clientId } = await harness.register();
  const parameters = { client_id: clientId, code_challenge: pkce().challenge };
  return { harness, ...(await harness.beginLogin(parameters, `allow:${id}`)) };
}

/**
 * Where the attacker's blue upstream leads a browser that came to log in there: to red's page, in this server's name and with
 * the `state` of the login at blue. Red knows this server by its own redirect URI only, and sends the browser there.
 */
function detour(blueLogin: URL): URL {
  const redLogin = new URL(blueLogin);
  redLogin.host = "login.red.example";
  redLogin.searchParams.set("redirectUri", "https://mcp.example/red/callback");
  return redLogin;
}

it("a code of one identity provider is never sent to another, however the browser was led there", async () => {
  const { harness, location, cookie } = await begin("blue");
  const callback = logInAtFakeUpstream(detour(location), "ada");
  expect(callback.pathname).toBe("/red/callback");
  const answer = await harness.finishLogin(callback, cookie);
  expect(answer.searchParams.get("error")).toBe("server_error");
  expect(answer.searchParams.get("code")).toBeNull();
  expect(sent).toEqual([]);
  expect(await recordsOf(parts.repositories.authorizationCodes)).toEqual([]);
});

it("an answer in another issuer's name is refused at the right callback too (RFC 9207)", async () => {
  const { harness, location, cookie } = await begin("blue");
  const callback = logInAtFakeUpstream(location, "ada");
  for (const issuer of [parts.red.issuer, "https://evil.example"]) {
    const forged = new URL(callback);
    forged.searchParams.set("iss", issuer);
    const answer = await harness.finishLogin(forged, cookie);
    expect(answer.searchParams.get("error")).toBe("server_error");
  }
  expect(sent).toEqual([]);
  const named = new URL(callback);
  named.searchParams.set("iss", parts.blue.issuer);
  expect((await harness.finishLogin(named, cookie)).searchParams.get("code")).toMatch(/^pmcp_ac_/);
});

it("whoever has the subject of somebody else at another identity provider is not that person", async () => {
  const harness = parts.start();
  const { client_id: clientId } = await harness.register();
  const victim = await logInAt(harness, { id: "red", user: "ada", clientId });
  const attacker = await logInAt(harness, { id: "blue", user: "ada", clientId });
  const callers = await Promise.all(
    [victim, attacker].map(({ access_token: token }) => harness.provider.verifyAccessToken(token)),
  );
  expect(callers.map(({ extra }) => extra.subject)).toEqual(["ada", "ada"]);
  expect(new Set(callers.map(({ extra }) => extra.upstreamIssuer)).size).toBe(2);
  // What the victim has allowed in a browser counts for nobody who logs in elsewhere with the same subject.
  const path = harness.authorizePath({ client_id: clientId, code_challenge: pkce().challenge, idp_hint: "blue" });
  const page = await harness.get(path, { cookie: victim.cookie });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('name="request"');
});

it("whoever writes to the store cannot send a session to another identity provider", async () => {
  const harness = parts.start();
  const victim = await logInAt(harness, { id: "red" });
  for (const [id, grant] of await recordsOf(parts.repositories.grants)) {
    await parts.repositories.grants.set(id, { ...grant, upstreamIssuer: parts.blue.issuer });
  }
  const asked: string[] = [];
  parts.blue.refresh = async (token) => {
    asked.push(token);
    return { token };
  };
  parts.clock.advanceSeconds(3_590);
  await harness.provider.upstreamToken({ token: victim.access_token }).catch(() => {});
  await harness.postForm("/revoke", { client_id: victim.clientId, token: victim.refresh_token });
  expect(asked).toEqual([]);
  expect(parts.blue.revoked).toEqual([]);
  expect(parts.red.revoked).toHaveLength(1);
});
