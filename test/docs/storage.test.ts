import { readFileSync } from "node:fs";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { expect, it } from "vitest";
import type { ZodType } from "zod";
import { StorageUnavailableError, UpstreamUnavailableError } from "../../src/errors.ts";
import { asCodec, createRepositories, InMemoryRepository, McpOAuthProvider } from "../../src/index.ts";
import { AccountBrowser } from "../support/account-browser.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../support/fake-upstream.ts";
import { intercepted } from "../support/intercepted-repository.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ClientHarness, type IssuedCode, pkce } from "../support/provider-harness.ts";

const baseUrl = "https://mcp.example.org";
const document = readFileSync(new URL("../../docs/storage.md", import.meta.url), "utf8");
/** The examples of each kind of record. */
const documented = new Map(
  document
    .split(/^## /m)
    .slice(2)
    .map((section): [string, Record<string, unknown>[]] => {
      const [kind = ""] = section.split("\n");
      return [kind, [...section.matchAll(/```json\n(.*?)```/gs)].map(([, example = ""]) => JSON.parse(example))];
    }),
);

/** An upstream that can be told to stop answering revocations. */
class UnreliableUpstream extends FakeUpstream {
  override readonly timeout: number = 10_000;
  isOut = false;

  override async revoke(): Promise<void> {
    if (this.isOut) throw new UpstreamUnavailableError("The test's upstream is out.");
  }
}

/** The members of every record that is stored in the life of some logins, by kind. */
async function storedMembers(): Promise<Map<string, Set<string>>> {
  const clock = new ManualClock();
  const members = new Map<string, Set<string>>();
  /** The kinds of record whose next addition fails. */
  const refusesOnce = new Set<string>();
  const repositories = createRepositories(<V>(schema: ZodType<V>, kind: string) => {
    const codec = asCodec(schema);
    const known = new Set<string>();
    members.set(kind, known);
    const store = new InMemoryRepository<string, V>({ clock: clock.read });
    const repository = intercepted(store, async (run, { method, value, key }) => {
      if (method === "add" && refusesOnce.delete(kind)) throw new StorageUnavailableError("The test refuses.");
      if (value !== undefined) {
        const stored: object = JSON.parse(codec.encode(value, { repository: kind, key }));
        for (const name of Object.keys(stored)) known.add(name);
      }
      return run();
    });
    // The account page is there where grants can be listed.
    return { ...repository, entries: () => store.entries() };
  });
  const upstream = new UnreliableUpstream(clock.read);
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const redirectUri = "http://127.0.0.1:4999/callback";
  const provider = new McpOAuthProvider({
    baseUrl,
    scopes: ["user"],
    upstream,
    secret: "a secret that is long enough for an example",
    repositories,
    clock: clock.read,
    grantUse: { network: true },
    clients: [
      {
        client_id: "signing",
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [await exportJWK(publicKey)] },
      },
    ],
  });
  const harness = new ClientHarness(provider, baseUrl);

  const codeFor = async (clientId: string, scope = "user"): Promise<IssuedCode> => {
    const { verifier, challenge } = pkce();
    const resource = provider.resource;
    const asked = { client_id: clientId, code_challenge: challenge, resource, scope };
    const { location, cookie } = await harness.beginLogin(asked);
    const redirect = await harness.finishLogin(logInAtFakeUpstream(location, "ada"), cookie);
    return { clientId, code: redirect.searchParams.get("code") ?? "", verifier };
  };
  const tokensOf = async (clientId: string, response: Promise<Response>) => {
    const answer = await response;
    expect(answer.status).toBe(200);
    return { clientId, ...(await jsonOf(answer)) };
  };

  /** A login whose first redemption could not store everything. */
  const redeemAgain = async (client: string, missing: string) => {
    const code = await codeFor(client);
    refusesOnce.add(missing);
    expect((await harness.redeem(code)).status).toBe(503);
    await tokensOf(client, harness.redeem(code));
  };

  await harness.register({ token_endpoint_auth_method: "client_secret_basic", software_id: undefined });
  const { client_id: clientId } = await harness.register({ software_id: undefined });
  const first = await tokensOf(clientId, harness.redeem(await codeFor(clientId, "user offline_access")));
  const headers = new Headers({ authorization: `Bearer ${first.access_token}` });
  await provider.authenticate({ headers }, { caller: "203.0.113.7" });
  clock.advanceSeconds(3590);
  await provider.upstreamToken({ token: first.access_token });
  const second = await tokensOf(clientId, harness.refresh(first));
  const third = await tokensOf(clientId, harness.refresh(second));
  await harness.postForm("/revoke", { client_id: clientId, token: third.access_token });
  await redeemAgain(clientId, "access_token");
  await redeemAgain(clientId, "refresh_token");
  upstream.isOut = true;
  await harness.postForm("/revoke", { client_id: clientId, token: third.refresh_token });

  const browser = new AccountBrowser(harness);
  await browser.signIn();
  expect(browser.text).toContain("What you have allowed");

  const assertion = await new SignJWT()
    .setProtectedHeader({ alg: "ES256" })
    .setIssuer("signing")
    .setSubject("signing")
    .setAudience(baseUrl)
    .setJti("1")
    .setExpirationTime(Math.floor(clock.read() / 1000) + 60)
    .sign(privateKey);
  const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
  const signed = { client_assertion_type: type, client_assertion: assertion };
  await tokensOf("signing", harness.redeem(await codeFor("signing"), signed));
  await provider[Symbol.asyncDispose]();
  return members;
}

it("docs/storage.md has a section for each kind of record, with the members that are stored", async () => {
  const stored = await storedMembers();
  expect([...stored.keys()].filter((kind) => !documented.has(kind))).toEqual([]);
  const sorted = (names: Iterable<string>) => [...new Set(names)].sort();
  for (const [kind, members] of stored) {
    const named = (documented.get(kind) ?? []).flatMap((example) => Object.keys(example));
    expect(sorted(named), kind).toEqual(sorted(members));
  }
});

it("the examples in docs/storage.md are records that this version reads", async () => {
  const codecs = new Map<string, (text: string) => unknown>();
  createRepositories(<V>(schema: ZodType<V>, kind: string) => {
    codecs.set(kind, (text) => asCodec(schema).decode(text, { repository: kind, key: "example" }));
    return new InMemoryRepository<string, V>();
  });
  for (const [kind, examples] of documented) {
    expect(examples.length, kind).toBeGreaterThan(0);
    const decode = codecs.get(kind) ?? ((text) => JSON.parse(text));
    for (const example of examples) expect(decode(JSON.stringify(example)), kind).toBeTypeOf("object");
  }
});
