import { createHash } from "node:crypto";
import { beforeEach, expect, it } from "vitest";
import {
  google,
  type OpenIdConnectOptions,
  openIdConnect,
  type UpstreamIdentity,
  type UserClaims,
} from "../../src/index.ts";
import {
  type ScriptedOpenIdProvider,
  scriptedClient,
  scriptedOpenIdProvider,
} from "../support/scripted-openid-provider.ts";

const redirectUri = "https://mcp.example.org/oidc/callback";
const codeVerifier = "v".repeat(43);

let provider: ScriptedOpenIdProvider;
beforeEach(async () => {
  provider = await scriptedOpenIdProvider();
});

/** Who the attacker is, who has an account of their own there and gives somebody else's address as theirs. */
async function attackerIs(
  claims: UserClaims,
  options: Partial<OpenIdConnectOptions> = {},
  place: "ID token" | "userinfo" = "ID token",
  elsewhere: UserClaims = {},
): Promise<UpstreamIdentity> {
  const upstream = openIdConnect({ issuer: provider.issuer, ...scriptedClient, fetch: provider.fetch, ...options });
  const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
  const url = await upstream.authorizationUrl({ state: "state", codeChallenge, redirectUri });
  provider.nonce = url.searchParams.get("nonce");
  provider.idToken = { claims: { sub: "mallory", ...(place === "ID token" ? claims : elsewhere) } };
  provider.userinfo = { sub: "mallory", ...(place === "userinfo" ? claims : elsewhere) };
  return upstream.identify(await upstream.exchange({ code: "code", codeVerifier, redirectUri }));
}

const boss = "boss@example.org";
const unverified: readonly UserClaims[] = [
  { email: boss },
  { email: boss, email_verified: false },
  { email: boss, email_verified: "true" },
  { email: boss, email_verified: 1 },
];
const mappings: Readonly<Record<string, Partial<OpenIdConnectOptions>>> = {
  "as it is": {},
  "where the claim was named by hand": { claims: { email: "email" } },
  "where it is taken for the name": { claims: { username: "email" } },
  "by the preset for Google": { claims: google(scriptedClient).claims ?? {} },
};

for (const [name, options] of Object.entries(mappings)) {
  it.each(unverified)(`an address that nobody verified makes nobody somebody else, ${name}: %j`, async (claims) => {
    for (const place of ["ID token", "userinfo"] as const) {
      const identity = await attackerIs(claims, options, place);
      expect(identity).toEqual({ subject: "mallory" });
    }
  });
}

it("an address that nobody verified is nobody's subject either", async () => {
  const options = { claims: { subject: "email" } };
  await expect(attackerIs({ email: boss, email_verified: false }, options)).rejects.toMatchObject({
    code: "ERR_UPSTREAM_REJECTED",
  });
  expect(await attackerIs({ email: "mallory@example.org", email_verified: true }, options)).toMatchObject({
    subject: "mallory@example.org",
  });
});

it("a verification in one answer does not count for an address in the other", async () => {
  const own = { email: "mallory@example.org", email_verified: true };
  for (const elsewhere of [own, { email_verified: true }]) {
    for (const place of ["ID token", "userinfo"] as const) {
      const { email } = await attackerIs({ email: boss }, {}, place, elsewhere);
      expect(email).not.toBe(boss);
    }
  }
});
