import { describe, expect, it } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const start = (): ProviderHarness => new ProviderHarness(providerOptions(emulator.issuerUrl));

describe("a login", () => {
  it("ends with tokens that open the MCP endpoint", async () => {
    const harness = start();
    const tokens = await harness.tokens();

    expect(tokens.token_type).toBe("Bearer");
    expect(tokens.scope).toBe("user admin");
    expect(tokens.expires_in).toBe(3600);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    expect(await harness.mcpStatus(tokens.refresh_token)).toBe(401);
  });

  it("sends the client its state and our issuer with the code", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const redirect = await harness.logIn({ client_id, code_challenge: pkce().challenge });

    expect(redirect.origin + redirect.pathname).toBe(harness.redirectUri);
    expect(redirect.searchParams.get("state")).toBe("client-state");
    expect(redirect.searchParams.get("iss")).toBe("http://localhost:8000");
    expect(redirect.searchParams.get("code")).toMatch(/^pmcp_ac_/);
  });

  it("keeps the registered query as it is, without what would pass for a parameter of the answer", async () => {
    const harness = start();
    const registered = "http://127.0.0.1:4999/callback?sig=a%20b~c&flag&q=%7e&co%64e=planted&constructor=1";
    const { client_id } = await harness.register({ redirect_uris: [registered] });
    const { challenge } = pkce();
    const redirect = await harness.logIn({ client_id, redirect_uri: registered, code_challenge: challenge });
    expect(redirect.search).toMatch(/^\?sig=a%20b~c&flag&q=%7e&constructor=1&code=/);
    expect(redirect.searchParams.getAll("code")).toHaveLength(1);
  });

  it("goes on where Pangea AuthN names scopes that no client may ask for", async () => {
    const harness = new ProviderHarness({
      ...providerOptions(emulator.issuerUrl),
      fetch: async (request) => {
        const response = await fetch(request);
        return request.url.endsWith("/token")
          ? Response.json({ ...(await jsonOf(response)), scope: 'a"b c' })
          : response;
      },
    });
    const tokens = await harness.tokens();
    expect((await harness.provider.pangeaToken({ token: tokens.access_token })).scopes).toEqual(['a"b', "c"]);
  });

  it("can be finished by another instance", async () => {
    const one = start();
    const { client_id } = await one.register();
    const { location, cookie } = await one.beginLogin({ client_id, code_challenge: pkce().challenge });
    const callback = await one.logInUpstream(location);

    const redirect = await start().finishLogin(callback, cookie);

    expect(redirect.searchParams.get("code")).not.toBeNull();
  });

  it("cannot be finished in a browser that did not begin it", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const { location } = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
    const attacker = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
    const callback = await harness.logInUpstream(location);

    for (const cookie of [
      "",
      attacker.cookie,
      attacker.cookie.replace(/^[^=]*/, "pangea_mcp_login_0000000000000000"),
    ]) {
      const response = await harness.get(callback.pathname + callback.search, { cookie });
      expect(response.status).toBe(400);
      expect(response.headers.get("location")).toBeNull();
    }
  });

  it("gives the identity and the upstream token of its own user only", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const ada = await harness.tokensFor(client_id);
    const authInfo = await harness.provider.verifyAccessToken(ada.access_token);

    const user = await harness.provider.pangeaToken(authInfo);

    expect(user.token).toMatch(/^ptu_/);
    expect(user.email).toBe("ada@example.com");
    expect(user.subject).toMatch(/^pui_/);
    expect(authInfo.extra.subject).toBe(user.subject);
    expect(await harness.mcpStatus(user.token)).toBe(401);
  });

  it("passes the user's refusal on to the client", async () => {
    const harness = start();
    const { client_id } = await harness.register();

    const redirect = await harness.logIn({ client_id, code_challenge: pkce().challenge }, { cancelLogin: true });

    expect(redirect.searchParams.get("error")).toBe("access_denied");
    expect(redirect.searchParams.get("state")).toBe("client-state");
    expect(redirect.searchParams.get("iss")).toBe("http://localhost:8000");
  });
});
