import { describe, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";

// A redirect URI of the attacker's making is opened by the victim's browser. Some schemes install, run or show something
// there: a client may only have one that is an application's callback.

const harmful = [
  "ms-appinstaller:?source=https://evil.example/evil.appx",
  "ms-msdt:/id",
  "ms-officecmd:x",
  "ms-word:ofe",
  "ms-settings:privacy",
  "MS-AppInstaller:?source=https://evil.example",
  "search-ms:query=x&crumb=location:evil.example",
  "search:query=x",
  "shell:startup",
  "itms-services://?action=download-manifest&url=https://evil.example/x.plist",
  "itms-apps://itunes.apple.com/app/id1",
  "intent://scan/",
  "android-app://com.example/",
  "market://details?id=com.evil",
  "microsoft-edge:https://evil.example",
  "microsoft.windows.camera:",
  "x-apple.systempreferences:com.apple.preference.security",
  "com.apple.systempreferences:x",
  "android.resource://com.example/1",
  "x-man-page://evil",
  "view-source:https://evil.example",
  "javascript:alert(1)",
  "data:text/html,hi",
  "vbscript:x",
  "file:///etc/passwd",
  "smb://evil.example/share",
  "ssh://evil.example",
  "ldap://evil.example",
  "ftp://evil.example",
  "mailto:evil@evil.example",
  "tel:123",
  "sms:123",
  "facetime:evil",
  "steam://run/1",
  "apt:evil",
  "magnet:?xt=x",
  "web+evil://x",
] as const;

describe("a client cannot register", () => {
  // A scheme that nobody has heard of is as little an application's callback as a harmful one.
  it.each([...harmful, "evil://callback", "slack://callback", "x:y", "chromium://settings"])("%s", async (uri) => {
    const harness = new ProviderHarness(providerOptions("https://login.example"));
    const response = await harness.postJson("/register", { redirect_uris: [uri] });
    expect(response.status).toBe(400);
    expect((await jsonOf(response)).error).toBe("invalid_redirect_uri");
  });
});

it.each(harmful)("no configuration allows %s", (uri) => {
  const [scheme = ""] = uri.split(":");
  const settings = providerOptions("https://login.example");
  const refused = expect.objectContaining({ code: "ERR_CONFIGURATION" });
  expect(() => new ProviderHarness({ ...settings, privateUseSchemes: [scheme] })).toThrow(refused);
  const clients = [{ client_id: "own", redirect_uris: [uri] }];
  expect(() => new ProviderHarness({ ...settings, clients })).toThrow(refused);
});

it("a record that has such a URI from elsewhere is of no use", async () => {
  const repositories = createInMemoryRepositories();
  const uri = "search-ms:query=x";
  await repositories.clients.set("old", {
    client_id: "old",
    redirect_uris: [uri],
    token_endpoint_auth_method: "none",
    expiresAt: Math.floor(Date.now() / 1000) + 3600,
  });
  const harness = new ProviderHarness({ ...providerOptions("https://login.example"), repositories });
  for (const redirect_uri of [uri, ""]) {
    const path = harness.authorizePath({ client_id: "old", redirect_uri, code_challenge: pkce().challenge });
    const response = await harness.get(path);
    expect(response.status).toBe(400);
    expect(await response.text()).not.toContain("search-ms");
  }
});

describe("an application's callback can be registered", () => {
  it.each([
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "vscode://saoudrizwan.claude-dev/mcp-auth/callback/abc123",
    "vscode-insiders://vscode.github-authentication/did-authenticate",
    "vscodium://publisher.extension/callback",
    "windsurf://codeium.windsurf/callback",
    "zed://mcp/oauth/callback",
    "claude://claude.ai/settings/connectors",
    "goose://callback",
    "kiro://kiro.kiroAgent/authenticate-success",
    "warp://mcp/oauth2callback",
    "com.raycast:/oauth?package_name=Extension",
    "com.example.app:/callback",
    "io.github.gohoski.numai://oauth/mcp",
  ])("%s", async (uri) => {
    const harness = new ProviderHarness(providerOptions("https://login.example"));
    const { client_id } = await harness.register({ redirect_uris: [uri] });
    const page = await harness.openConsentPage({
      client_id,
      redirect_uri: uri,
      code_challenge: pkce().challenge,
    });
    expect(page.html).toContain(`${uri.split(":")[0]} (an application)`);
  });

  it("where the configuration names its scheme, and under the operator's own client in any case", async () => {
    const uri = "acme-notes://callback";
    const settings = providerOptions("https://login.example");
    const named = new ProviderHarness({ ...settings, privateUseSchemes: ["Acme-Notes"] });
    expect(await named.register({ redirect_uris: [uri] })).toHaveProperty("client_id");
    const own = new ProviderHarness({ ...settings, clients: [{ client_id: "own", redirect_uris: [uri] }] });
    const request = { client_id: "own", redirect_uri: uri, code_challenge: pkce().challenge };
    expect((await own.openConsentPage(request)).html).toContain("acme-notes");
  });
});
