import { beforeEach, expect, test } from "vitest";
import { cacheRepositories, createInMemoryRepositories, type ProviderRepositories } from "../../src/index.ts";
import { formatAccessToken, formatHandle } from "../../src/provider/oauth/grant-credential.ts";
import { ScopeHierarchy } from "../../src/provider/oauth/scope-hierarchy.ts";
import { AccessTokenVerifier } from "../../src/provider/tokens/access-token-verifier.ts";
import type { Grant } from "../../src/records/grant.ts";
import { accessTokenKey, grantIdOf } from "../../src/records/keys.ts";
import { configured } from "../support/configured.ts";
import { type GatedRepository, gated } from "../support/gated-repository.ts";
import { SwitchedInvalidationChannel } from "../support/switched-invalidation-channel.ts";

const resource = "https://mcp.example/mcp";
const now = 2_000_000_000;
const handle = formatHandle(new Uint8Array(16).fill(7));
const token = formatAccessToken(handle, new Uint8Array(32).fill(9));
const grantId = grantIdOf(handle);
const grant = { clientId: "app", scopes: ["user"], createdAt: now, expiresAt: now + 5_000 };
const tombstone = { ...grant, scopes: [], revokedAt: now };

let store: ProviderRepositories;
let grants: GatedRepository<string, Grant>;
let channel: SwitchedInvalidationChannel;
let repositories: ProviderRepositories;
let verifier: AccessTokenVerifier;
beforeEach(async () => {
  const clock = () => now * 1_000;
  store = createInMemoryRepositories({ clock });
  await store.grants.set(grantId, grant);
  const record = { clientId: "app", scopes: ["user"], expiresAt: now + 100, resource: new URL(resource), grantId };
  await store.accessTokens.set(accessTokenKey(token), record);
  grants = gated(store.grants);
  channel = new SwitchedInvalidationChannel("key");
  channel.switch("up");
  repositories = cacheRepositories(
    { ...store, grants },
    { maxStaleness: 60_000, clock, invalidation: { grants: channel } },
  );
  const scopeHierarchy = ScopeHierarchy.of(["user"], "scopeImplies", {});
  verifier = new AccessTokenVerifier({ ...configured(), repositories, resource, now: () => now, scopeHierarchy });
});

const refused = async () => {
  await expect(Promise.resolve(verifier.verify(token))).rejects.toMatchObject({ error: "invalid_token" });
};

test("what was found of a token ends with its grant, here and by a message from elsewhere", async () => {
  await verifier.verify(token);
  expect(verifier.verify(token)).not.toBeInstanceOf(Promise);
  await repositories.grants.set(grantId, tombstone);
  await refused();

  await repositories.grants.set(grantId, grant);
  await verifier.verify(token);
  expect(verifier.verify(token)).not.toBeInstanceOf(Promise);
  await store.grants.set(grantId, tombstone);
  channel.invalidate([grantId]);
  await refused();
});

test("what was found of a grant that ended meanwhile is not kept", async () => {
  const read = grants.hold("get");
  const verified = Promise.resolve(verifier.verify(token));
  await read.arrival(verified);
  await read.apply();
  await repositories.grants.set(grantId, tombstone);
  await read.answer();
  // What was read before the revocation was true then.
  await verified;
  await refused();
});
