import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { OAuthError } from "../../../src/errors.ts";
import { createInMemoryRepositories, type ProviderRepositories } from "../../../src/index.ts";
import { ClientAssertions } from "../../../src/provider/clients/client-assertions.ts";
import { clientAuthenticator } from "../../../src/provider/clients/client-authenticator.ts";
import { ClientRegistry } from "../../../src/provider/clients/client-registry.ts";
import { type KeySet, parseKeySet } from "../../../src/provider/oauth/key-set.ts";
import type { ClientAuthentication } from "../../../src/records/authorization-code.ts";
import type { OAuthClientInformation } from "../../../src/records/oauth-client-information.ts";
import { tokenKey } from "../../../src/secrets/storage-key.ts";
import { configured } from "../../support/configured.ts";
import { failingOnce, intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { recordsOf } from "../../support/records-of.ts";
import { claimsOf, SigningKey } from "../../support/signing-client.ts";

const issuer = "https://mcp.example";
const redirect_uris = ["https://app.example/callback"];
const documentUrl = "https://client.example/client.json";
const grantTypes = ["authorization_code"];
const invalidClient = { code: "ERR_OAUTH", error: "invalid_client" };

const algorithms = "ES256 ES384 ES512 PS256 PS384 PS512 RS256 RS384 RS512 EdDSA Ed25519".split(" ");

let key: SigningKey;
let stranger: SigningKey;
/** A key for each algorithm: to make some of them takes long. */
let others: ReadonlyMap<string, SigningKey>;
beforeAll(async () => {
  [key, stranger] = [await SigningKey.generate(), await SigningKey.generate()];
  const made = algorithms.map(async (algorithm) => [algorithm, await SigningKey.generate({ algorithm })] as const);
  others = new Map(await Promise.all(made));
});

let clock: ManualClock;
/** What was asked of the clients' sites, and of the store that has the clients. */
let asked: unknown[];
let keys: () => Promise<KeySet>;
let latestKeys: () => Promise<KeySet | undefined>;
let repositories: ProviderRepositories;
let used: ProviderRepositories["clientAssertions"];
let failNext: () => void;
beforeEach(() => {
  clock = new ManualClock();
  asked = [];
  keys = async () => keySet(key);
  latestKeys = async () => undefined;
  const inner = createInMemoryRepositories({ clock: clock.read });
  used = inner.clientAssertions;
  const flaky = failingOnce(used);
  failNext = () => flaky.failNext("add", "before");
  const clients = intercepted(inner.clients, (run, call) => {
    asked.push(`${call.method} ${call.key}`);
    return run();
  });
  repositories = { ...inner, clients, clientAssertions: flaky.repository };
});

function keySet(...all: readonly SigningKey[]): KeySet {
  return parseKeySet({ keys: all.map(({ jwk }) => jwk) }) ?? expect.unreachable();
}

/** How callers are known at one instance. The client "signing" signs, as does that of the document. */
async function start(options: Parameters<typeof configured>[0] = {}) {
  const clients = [
    { client_id: "own", redirect_uris, client_secret: "a secret that an operator has chosen" },
    { client_id: "signing", redirect_uris, token_endpoint_auth_method: "private_key_jwt", jwks: keySet(key) },
  ];
  const configuration = configured({ repositories, clients, ...options }, clock);
  const ofDocument = { client_id: documentUrl, redirect_uris, token_endpoint_auth_method: "private_key_jwt" };
  const registry = new ClientRegistry(configuration, {
    find: async (id) =>
      id === documentUrl ? { information: ofDocument, domain: "client.example", fetchedAt: 0 } : undefined,
  });
  const assertions = new ClientAssertions(configuration, {
    keys: () => keys(),
    latestKeys: async (_, document) => {
      asked.push(["latest", document]);
      return latestKeys();
    },
  });
  return clientAuthenticator(registry, assertions, configuration.now);
}

const claims = (changes: Readonly<Record<string, unknown>> = {}, clientId = "signing") => ({
  ...claimsOf(clientId, issuer, clock),
  ...changes,
});

/** Shows an assertion of the client. */
async function show(assertion: string | undefined, clientId = "signing", instance = start()): Promise<unknown> {
  return (await instance)({ clientId, ...(assertion !== undefined && { assertion }) });
}
const bySignature = expect.objectContaining({ tokenEndpointAuthMethod: "private_key_jwt" });
const failureOf = (shown: Promise<unknown>): Promise<unknown> =>
  shown.then(
    () => expect.unreachable(),
    (failure: unknown) => failure,
  );

describe("a caller that a record at hand speaks of", () => {
  const bySecret: ClientAuthentication = {
    tokenEndpointAuthMethod: "client_secret_post",
    secretHash: tokenKey("x"),
    secretExpiresAt: 2e9,
    grantTypes,
  };

  it("is known by that record, without a read", async () => {
    const authenticate = await start();
    expect(await authenticate({ clientId: "app", secret: "x" }, bySecret)).toBe(bySecret);
    await expect(authenticate({ clientId: "app", secret: "y" }, bySecret)).rejects.toMatchObject(invalidClient);
    expect(asked).toEqual([]);
  });

  it.each([
    [0, false],
    [1, true],
  ])("is known by it until its secret ends: %i seconds later %j", async (left, isGood) => {
    const authenticate = await start();
    const shown = authenticate({ clientId: "app", secret: "x" }, { ...bySecret, secretExpiresAt: clock.seconds(left) });
    if (isGood) await expect(shown).resolves.toBeDefined();
    else await expect(shown).rejects.toMatchObject(invalidClient);
  });

  it("is known by the options where they name it, whatever the record says", async () => {
    const authenticate = await start();
    await expect(authenticate({ clientId: "own", secret: "x" }, bySecret)).rejects.toMatchObject(invalidClient);
    const shown = { clientId: "own", secret: "a secret that an operator has chosen" };
    const ofRecord: ClientAuthentication = { tokenEndpointAuthMethod: "client_secret_post", grantTypes };
    expect(await authenticate(shown, ofRecord)).toMatchObject({ tokenEndpointAuthMethod: "client_secret_post" });
  });

  it("is asked for its signature where the record says that it signs", async () => {
    const known: ClientAuthentication = { tokenEndpointAuthMethod: "private_key_jwt", grantTypes };
    const authenticate = await start();
    await expect(authenticate({ clientId: documentUrl }, known)).rejects.toMatchObject(invalidClient);
    const assertion = await key.sign(claims({}, documentUrl));
    expect(await authenticate({ clientId: documentUrl, assertion }, known)).toEqual(bySignature);
  });
});

describe("a caller of which nothing is at hand", () => {
  it("is nobody where no client has the id", async () => {
    const authenticate = await start();
    await expect(authenticate({ clientId: "nobody" })).rejects.toMatchObject(invalidClient);
  });

  it("is known by its own secret, until that ends", async () => {
    const client: OAuthClientInformation = { client_id: "app", redirect_uris, client_secret_hash: tokenKey("x") };
    await repositories.clients.set("app", { ...client, client_secret_expires_at: Math.floor(clock.seconds(10)) });
    const authenticate = await start();
    expect(await authenticate({ clientId: "app", secret: "x" })).toMatchObject({ secretHash: tokenKey("x") });
    await expect(authenticate({ clientId: "app", secret: "y" })).rejects.toMatchObject(invalidClient);
    clock.advanceSeconds(10);
    await expect(authenticate({ clientId: "app", secret: "x" })).rejects.toMatchObject(invalidClient);
  });
});

describe("an assertion", () => {
  it("is good once, at every instance", async () => {
    const [one, other] = [start(), start()];
    const assertion = await key.sign(claims());
    expect(await show(assertion, "signing", one)).toEqual(bySignature);
    for (const instance of [one, other]) {
      await expect(show(assertion, "signing", instance)).rejects.toMatchObject(invalidClient);
    }
  });

  it("that is missing makes nobody ask for the client's keys", async () => {
    keys = async () => {
      asked.push("keys");
      return keySet(key);
    };
    await expect(show(undefined)).rejects.toMatchObject(invalidClient);
    expect(asked).toEqual([]);
  });

  it("that was used at this instance is refused without the store's word", async () => {
    const instance = start();
    const assertion = await key.sign(claims());
    await show(assertion, "signing", instance);
    failNext();
    await expect(show(assertion, "signing", instance)).rejects.toMatchObject(invalidClient);
  });

  it("is used up in the memory of one instance while the store is asked", async () => {
    const instance = start();
    const assertion = await key.sign(claims());
    const shown = await Promise.allSettled([1, 2].map(() => show(assertion, "signing", instance)));
    expect(shown.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("is good again where the store has not heard of it", async () => {
    const instance = start();
    const assertion = await key.sign(claims());
    failNext();
    await expect(show(assertion, "signing", instance)).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT" });
    expect(await show(assertion, "signing", instance)).toEqual(bySignature);
  });

  it("is remembered for as long as any instance takes it for good", async () => {
    const [soon, late] = [clock.seconds(60), clock.seconds(-20)].map(Math.floor);
    await show(await key.sign(claims({ exp: soon })));
    await show(await key.sign(claims({ exp: late })));
    const records = (await recordsOf(used)).map(([, record]) => record);
    const clientId = "signing";
    const [ofSoon, ofLate] = [
      { clientId, expiresAt: (soon ?? 0) + 750 },
      { clientId, expiresAt: clock.seconds(750) },
    ];
    expect(records).toEqual([ofSoon, ofLate]);
  });

  it.each<[string, () => Record<string, unknown>, boolean]>([
    ["for the token endpoint", () => ({ aud: `${issuer}/token` }), true],
    ["for a list of one", () => ({ aud: [issuer] }), true],
    ["for a list of two", () => ({ aud: [issuer, "https://other.example"] }), false],
    ["for another server", () => ({ aud: "https://other.example" }), false],
    ["of another issuer", () => ({ iss: "other" }), false],
    ["of another subject", () => ({ sub: "other" }), false],
    ["that is over in 630 seconds", () => ({ exp: Math.floor(clock.seconds(630)) }), true],
    ["that is over in 631 seconds", () => ({ exp: Math.floor(clock.seconds(631)) }), false],
    ["that was over 29 seconds ago", () => ({ exp: Math.floor(clock.seconds(-29)) }), true],
    ["that was over 30 seconds ago", () => ({ exp: Math.floor(clock.seconds(-30)) }), false],
    ["that has no end", () => ({ exp: undefined }), false],
    ["without an id", () => ({ jti: undefined }), false],
    ["whose id is a number", () => ({ jti: 5 }), false],
    ["whose id is empty", () => ({ jti: "" }), false],
    ["whose id has 256 characters", () => ({ jti: "x".repeat(256) }), true],
    ["whose id has 257 characters", () => ({ jti: "x".repeat(257) }), false],
  ])("%s", async (_, changes, isGood) => {
    const shown = show(await key.sign(claims(changes())));
    if (isGood) expect(await shown).toEqual(bySignature);
    else await expect(shown).rejects.toMatchObject(invalidClient);
  });

  it.each(algorithms)("may be signed by %s", async (algorithm) => {
    const own = others.get(algorithm) ?? expect.unreachable();
    keys = async () => keySet(own);
    expect(await show(await own.sign(claims()))).toEqual(bySignature);
  });

  it.each([
    [600, true],
    [601, false],
  ])("is not taken for good by who was away for long: for %i seconds %j", async (seconds, isGood) => {
    const assertion = await key.sign(claims({ exp: Math.floor(clock.seconds(620)) }));
    keys = async () => {
      clock.advanceSeconds(seconds);
      return keySet(key);
    };
    if (isGood) expect(await show(assertion)).toEqual(bySignature);
    else await expect(show(assertion)).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT" });
  });
});

describe("the keys of a client", () => {
  it.each([
    [49, true],
    [50, false],
  ])("are tried one by one where the assertion names none, behind %i others: %j", async (others, isFound) => {
    const all = [...Array<SigningKey>(others).fill(stranger), key];
    keys = async () => keySet(...all);
    const shown = show(await key.sign(claims()));
    if (isFound) expect(await shown).toEqual(bySignature);
    else await expect(shown).rejects.toMatchObject(invalidClient);
  });

  it("are not asked for again where one of several has signed what breaks a rule", async () => {
    keys = async () => keySet(stranger, key, stranger);
    await expect(show(await key.sign(claims({ exp: 5 })))).rejects.toMatchObject(invalidClient);
    expect(asked).toEqual([]);
  });

  it("are passed over where the library cannot use them", async () => {
    const broken = { kty: "EC", crv: "P-256", x: "AAAA", y: "AAAA" };
    keys = async () => parseKeySet({ keys: [broken, key.jwk] }) ?? expect.unreachable();
    expect(await show(await key.sign(claims()))).toEqual(bySignature);
  });

  it.each<[string, () => Promise<KeySet>]>([
    ["is none of them", async () => keySet(stranger)],
    ["is none of several", async () => keySet(stranger, stranger)],
    [
      "is for another algorithm than theirs",
      async () => ({ keys: keySet(stranger).keys.map((each) => ({ ...each, alg: "ES384" })) }),
    ],
    ["is one that the library cannot use", async () => ({ keys: [{ kty: "EC", crv: "P-256", x: "AAAA", y: "AAAA" }] })],
  ])("are asked for once more where that of an assertion %s", async (_, old) => {
    keys = old;
    latestKeys = async () => keySet(key);
    expect(await show(await key.sign(claims({}, documentUrl)), documentUrl)).toEqual(bySignature);
    expect(await show(await key.sign(claims()))).toEqual(bySignature);
    expect(asked, "where the client has its own address").toEqual([
      ["latest", documentUrl],
      ["latest", undefined],
    ]);
    latestKeys = async () => undefined;
    await expect(show(await key.sign(claims()))).rejects.toMatchObject(invalidClient);
  });

  it("cannot be had while their site is out, which is no word on the client", async () => {
    const failure = new OAuthError("temporarily_unavailable", "The test switched the site off.");
    latestKeys = () => Promise.reject(failure);
    await expect(show(await stranger.sign(claims()))).rejects.toBe(failure);
    keys = () => Promise.reject(failure);
    await expect(show(await key.sign(claims()))).rejects.toBe(failure);
  });
});

describe("a refusal of an assertion", () => {
  it.each<[string, () => Promise<string>]>([
    ["has expired", () => key.sign(claims({ exp: 5 }))],
    ["has a wrong audience", () => key.sign(claims({ aud: "https://other.example" }))],
    ["is signed by a stranger", () => stranger.sign(claims())],
    ["is no JWT", async () => "x"],
  ])("holds nothing of it, which somebody could log: one that %s", async (_, assertion) => {
    const failure = await failureOf(show(await assertion()));
    expect(failure).toMatchObject(invalidClient);
    expect(failure).not.toHaveProperty("cause");
  });

  it("has the cause where a key is at fault", async () => {
    keys = async () => ({ keys: [{ kty: "EC", crv: "P-256", x: "AAAA", y: "AAAA" }] });
    const failure = await failureOf(show(await key.sign(claims())));
    expect(failure).toMatchObject({ ...invalidClient, cause: expect.any(Error) });
  });
});
