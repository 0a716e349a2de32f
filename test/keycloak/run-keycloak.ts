/**
 * Runs our `keycloak` preset against Keycloak itself: fetches its distribution by Maven, starts it, makes a realm, a client and
 * a user by its admin API, and goes through a login, a refresh, a revocation and a logout. Prints a table, and fails where a
 * step does. Needs Java 17 or later, and Maven.
 *
 *     npx node test/keycloak/run-keycloak.ts
 */
import assert from "node:assert/strict";
import { z } from "zod";
import {
  createInMemoryRepositories,
  keycloak,
  McpOAuthProvider,
  type OpenIdConnectOptions,
  openIdConnect,
  type Upstream,
} from "../../src/index.ts";
import { BrowserSession } from "../support/browser-session.ts";
import { jsonOf } from "../support/json-of.ts";
import { ClientHarness, pkce } from "../support/provider-harness.ts";
import { fetchKeycloak, type KeycloakServer, keycloakVersion, startKeycloak } from "./keycloak-server.ts";

const baseUrl = "http://localhost:8000";
const realm = "staff";
const client = { clientId: "mcp", clientSecret: "a secret that has thirty-two characters" };
const ada = { username: "ada", password: "ada's password" };
const secret = "the secret of the instances of this run";
/** Shorter than the minute before its end in which a token is refreshed: every use of it is a refresh. */
const accessTokenSeconds = 50;

const began = performance.now();
await using server = await startKeycloak(await fetchKeycloak());
console.log(
  `# Keycloak ${keycloakVersion}\n\nStarted in ${seconds(began)} s.\n\n| Step | Seconds | Result |\n| --- | --- | --- |`,
);
await makeRealm(server);

const repositories = createInMemoryRepositories();
const upstreamOf = (changes: Partial<OpenIdConnectOptions> = {}): Upstream =>
  // Keycloak draws its first page slowly on a machine that does much else.
  openIdConnect({ ...keycloak({ url: server.url, realm, ...client }), timeout: 30_000, ...changes });
const harnessOf = (upstream = upstreamOf()) =>
  new ClientHarness(
    new McpOAuthProvider({ baseUrl, scopes: ["user"], upstream, repositories, secret, logger: false }),
    baseUrl,
  );

/** Logs ada in, from consent to tokens. A browser that is logged in at Keycloak sees no page there. */
async function logIn(harness = harnessOf(), browser = new BrowserSession()) {
  const { client_id: clientId } = await harness.register();
  const { verifier, challenge } = pkce();
  const begun = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  let pages = 0;
  const onPage = () => {
    pages += 1;
  };
  const callback = await browser.login(begun.location, { ...ada, onPage });
  const answer = await harness.finishLogin(callback, begun.cookie);
  const issued = { clientId, verifier, code: answer.searchParams.get("code") ?? answer.search };
  return { ...issued, ...(await jsonOf(await harness.redeem(issued))), callback, answer, pages, harness, browser };
}

const sessionsSchema = z.array(z.object({ id: z.string(), username: z.string() }));
async function sessionsOfAda() {
  const users = z
    .array(z.object({ id: z.string() }))
    .parse(await server.admin("GET", `/realms/${realm}/users?username=ada`));
  return sessionsSchema.parse(await server.admin("GET", `/realms/${realm}/users/${users[0]?.id}/sessions`));
}

const steps: Readonly<Record<string, () => Promise<string>>> = {
  "check() finds that everything fits": async () => {
    const { findings } = await harnessOf().provider.check();
    const about = findings.filter(({ check }) => check.startsWith("upstream-") || check === "redirect-uri");
    assert.deepEqual(
      about.filter(({ status }) => status !== "ok"),
      [],
    );
    return about.map(({ check }) => check).join(", ");
  },
  "check() finds a wrong secret, and a redirect URI that is not registered": async () => {
    const wrong = harnessOf(upstreamOf({ clientSecret: "another secret of thirty-two characters", id: "other" }));
    const errors = (await wrong.provider.check()).findings.filter(({ status }) => status === "error");
    assert.deepEqual(errors.map(({ check }) => check).sort(), ["redirect-uri", "upstream-client"]);
    return "upstream-client, redirect-uri";
  },
  "login: a code with iss (RFC 9207), an ID token, userinfo": async () => {
    const { callback, access_token: token, harness } = await logIn();
    assert.equal(callback.searchParams.get("iss"), `${server.url}/realms/${realm}`);
    const authInfo = await harness.provider.verifyAccessToken(token);
    const user = await harness.provider.upstreamToken(authInfo);
    assert.equal(user.username, "ada");
    assert.equal(user.email, "ada@example.org");
    assert.equal(user.upstreamIssuer, `${server.url}/realms/${realm}`);
    assert.equal(authInfo.extra.subject, user.subject);
    return `subject ${user.subject?.slice(0, 8)}…, username ada, verified e-mail`;
  },
  "an e-mail address that is not verified says nothing": async () => {
    await setVerified(false);
    const { harness, access_token: token } = await logIn();
    const user = await harness.provider.upstreamToken({ token });
    await setVerified(true);
    assert.equal(user.email, undefined);
    assert.equal(user.username, "ada");
    return "no email";
  },
  "refresh: the token at Keycloak is replaced, by another instance too": async () => {
    const { access_token: token, refresh_token: refreshToken, clientId, harness } = await logIn();
    const first = await harness.provider.upstreamToken({ token });
    const second = await harnessOf().provider.upstreamToken({ token });
    assert.notEqual(second.token, first.token);
    const userinfo = await fetch(`${server.url}/realms/${realm}/protocol/openid-connect/userinfo`, {
      headers: { authorization: `Bearer ${second.token}` },
    });
    assert.equal(z.object({ sub: z.string() }).parse(await userinfo.json()).sub, second.subject);
    const renewed = await jsonOf(await harness.refresh({ clientId, refresh_token: refreshToken }));
    assert.equal((await harness.provider.upstreamToken({ token: renewed.access_token })).subject, second.subject);
    return "two tokens, the second one good at userinfo";
  },
  "allow: a user who may not log in reads why": async () => {
    const reason = "Only the board may use this server.";
    const { answer } = await logIn(harnessOf(upstreamOf({ allow: () => reason })));
    assert.equal(answer.searchParams.get("error"), "access_denied");
    assert.equal(answer.searchParams.get("error_description"), reason);
    return "access_denied, with the reason";
  },
  "revocation: the end of a login here ends its session at Keycloak": async () => {
    const before = (await sessionsOfAda()).length;
    const { refresh_token: token, clientId, harness } = await logIn();
    assert.equal((await sessionsOfAda()).length, before + 1);
    await harness.postForm("/revoke", { client_id: clientId, token });
    assert.equal((await sessionsOfAda()).length, before);
    return `${before + 1} sessions, then ${before}`;
  },
  "two clients in one browser: what the end of one does to the other": async () => {
    const isOtherAlive = async (revocation: boolean): Promise<boolean> => {
      const browser = new BrowserSession();
      const harness = harnessOf(upstreamOf({ revocation }));
      const [one, other] = [await logIn(harness, browser), await logIn(harness, browser)];
      await harness.postForm("/revoke", { client_id: one.clientId, token: one.refresh_token });
      assert.equal(await harness.mcpStatus(one.access_token), 401);
      const { refresh_token: refreshToken, clientId } = other;
      await jsonOf(await harness.refresh({ clientId, refresh_token: refreshToken }));
      return harness.provider.upstreamToken({ token: other.access_token }).then(
        () => true,
        () => false,
      );
    };
    assert.equal(await isOtherAlive(false), true);
    const withRevocation = (await isOtherAlive(true)) ? "goes on as well" : "logs in again";
    return `with revocation: false it goes on; with revocation it ${withRevocation}`;
  },
  "a session that an administrator ends at Keycloak ends the login here": async () => {
    const known = new Set((await sessionsOfAda()).map(({ id }) => id));
    const { access_token: token, harness } = await logIn();
    const own = (await sessionsOfAda()).find(({ id }) => !known.has(id));
    await server.admin("DELETE", `/realms/${realm}/sessions/${own?.id}`);
    await new Promise((resolve) => setTimeout(resolve, accessTokenSeconds * 1_000));
    await assert.rejects(harness.provider.upstreamToken({ token }), { error: "invalid_token" });
    assert.equal(await harness.mcpStatus(token), 401);
    return "invalid_token, and 401 at the MCP endpoint";
  },
  "logout: the browser's session ends, and the next login asks for the password": async () => {
    const upstream = upstreamOf();
    const browser = new BrowserSession();
    assert.equal((await logIn(harnessOf(), browser)).pages, 1);
    assert.equal((await logIn(harnessOf(), browser)).pages, 0);
    const idToken = await ownIdToken(upstream, browser);
    const url = await upstream.logoutUrl?.({ token: "", idToken }, `${baseUrl}/account`);
    assert.ok(url);
    const response = await browser.fetch(url);
    assert.equal(response.status, 302);
    assert.equal(response.headers.get("location"), `${baseUrl}/account`);
    assert.equal((await logIn(harnessOf(), browser)).pages, 1);
    return "one page, none, after the logout one again";
  },
  "keys that are replaced: the next login goes through": async () => {
    const upstream = upstreamOf();
    await logIn(harnessOf(upstream));
    const { id } = z.object({ id: z.string() }).parse(await server.admin("GET", `/realms/${realm}`));
    await server.admin("POST", `/realms/${realm}/components`, {
      name: "newer",
      providerId: "rsa-generated",
      providerType: "org.keycloak.keys.KeyProvider",
      parentId: id,
      config: { priority: ["1000"], enabled: ["true"], active: ["true"], algorithm: ["RS256"] },
    });
    const { access_token: token, harness } = await logIn(harnessOf(upstream));
    assert.equal(await harness.mcpStatus(token), 200);
    return "signed by the new key";
  },
};

for (const [name, step] of Object.entries(steps)) {
  const start = performance.now();
  let result: string;
  try {
    result = await step();
  } catch (failure) {
    result = `FAILED: ${failure instanceof Error ? failure.message.replaceAll(/\s+/g, " ") : String(failure)}`;
    process.exitCode = 1;
  }
  console.log(`| ${name} | ${seconds(start)} | ${result} |`);
}

/** An ID token of this browser's session, as a login for the logout page has it. */
async function ownIdToken(upstream: Upstream, browser: BrowserSession): Promise<string> {
  const { verifier: codeVerifier, challenge: codeChallenge } = pkce();
  const redirectUri = `${baseUrl}/keycloak/callback`;
  const location = await upstream.authorizationUrl({ state: "a-state", codeChallenge, redirectUri });
  const callback = await browser.login(location, ada);
  const issuer = callback.searchParams.get("iss") ?? "";
  const code = callback.searchParams.get("code") ?? "";
  return (await upstream.exchange({ code, codeVerifier, redirectUri, issuer })).idToken ?? "";
}

async function setVerified(emailVerified: boolean): Promise<void> {
  const [user] = z
    .array(z.looseObject({ id: z.string() }))
    .parse(await server.admin("GET", `/realms/${realm}/users?username=ada`));
  await server.admin("PUT", `/realms/${realm}/users/${user?.id}`, { ...user, emailVerified });
}

async function makeRealm({ admin }: KeycloakServer): Promise<void> {
  await admin("POST", "/realms", { realm, enabled: true, accessTokenLifespan: accessTokenSeconds });
  await admin("POST", `/realms/${realm}/clients`, {
    clientId: client.clientId,
    secret: client.clientSecret,
    protocol: "openid-connect",
    publicClient: false,
    standardFlowEnabled: true,
    redirectUris: [`${baseUrl}/keycloak/callback`],
    attributes: { "post.logout.redirect.uris": `${baseUrl}/account` },
  });
  await admin("POST", `/realms/${realm}/users`, {
    username: ada.username,
    enabled: true,
    email: "ada@example.org",
    emailVerified: true,
    firstName: "Ada",
    lastName: "Lovelace",
    credentials: [{ type: "password", value: ada.password, temporary: false }],
  });
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1_000).toFixed(1);
}
