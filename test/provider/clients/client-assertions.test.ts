import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createInMemoryRepositories,
  type PangeaOAuthProviderOptions,
  StorageUnavailableError,
} from "../../../src/index.ts";
import { gated } from "../../support/gated-repository.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { answerTo, claimsOf, known, refused, SigningKey } from "../../support/signing-client.ts";
import { ClientSite, clientId, documentWith, json } from "../client-documents/client-site.ts";

const issuer = "http://localhost:8000";
const keySetUrl = "https://client.example/jwks";
const hour = { "cache-control": "max-age=3600" };

let site: ClientSite;
let key: SigningKey;
beforeAll(async () => {
  key = await SigningKey.generate();
});
beforeEach(async () => {
  site = await ClientSite.open();
  serve([key]);
});
afterEach(async () => {
  await site[Symbol.asyncDispose]();
});

const start = (options: Partial<PangeaOAuthProviderOptions> = {}): ProviderHarness =>
  new ProviderHarness(
    { ...providerOptions("https://login.example"), clock: site.clock.read, ...options },
    site.network,
  );

/** From now on the client's site has these keys, in its document. */
function serve(keys: readonly SigningKey[], headers: Record<string, string> = hour): void {
  const jwks = { keys: keys.map(({ jwk }) => jwk) };
  site.handler = json(documentWith({ token_endpoint_auth_method: "private_key_jwt", jwks }), headers);
}

/** From now on the client's site has these keys at an address of their own. */
function serveApart(keys: readonly SigningKey[], headers: Record<string, string> = hour): void {
  const described = documentWith({ token_endpoint_auth_method: "private_key_jwt", jwks_uri: keySetUrl });
  site.handler = (request, response) =>
    request.url === "/jwks"
      ? json({ keys: keys.map(({ jwk }) => jwk) }, headers)(request, response)
      : json(described, hour)(request, response);
}

const claims = (changes: Readonly<Record<string, unknown>> = {}, id = clientId) => ({
  ...claimsOf(id, issuer, site.clock),
  ...changes,
});

describe("a client assertion", () => {
  const wrong: readonly unknown[] = [1, -1, 1.5, true, null, {}, [], [clientId], [issuer, 5], [[issuer]], { a: [1] }];
  const isTime = (claim: string, value: unknown) => ["nbf", "iat"].includes(claim) && typeof value === "number";
  it.each(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"])(
    "whose %s is of a wrong type is refused, with and without a client_id beside it",
    async (claim) => {
      const harness = start();
      for (const value of wrong.filter((one) => !isTime(claim, one))) {
        for (const form of [{ client_id: clientId }, {}]) {
          const assertion = await key.sign(claims({ [claim]: value }));
          expect(await answerTo(harness, assertion, form), JSON.stringify([value, form])).toBe(refused);
        }
      }
      expect(await answerTo(harness, await key.sign(claims()))).toBe(known);
    },
  );

  it.each<[string, unknown, string]>([
    ["the issuer", issuer, known],
    ["the token endpoint", `${issuer}/token`, known],
    ["a list of the issuer", [issuer], known],
    ["a list of the token endpoint", [`${issuer}/token`], known],
    ["a list of the issuer and another server", [issuer, "https://other.example"], refused],
    ["a list of another server and the issuer", ["https://other.example", issuer], refused],
    ["a list of both names of this server", [issuer, `${issuer}/token`], refused],
    ["a list of the issuer, twice", [issuer, issuer], refused],
    ["an empty list", [], refused],
    ["an empty text", "", refused],
    ["two names in one text", `${issuer} https://other.example`, refused],
    ["a name that begins alike", `${issuer}.example`, refused],
    ["another endpoint", `${issuer}/revoke`, refused],
  ])("may be for one audience, which is this server: %s", async (_, aud, answer) => {
    expect(await answerTo(start(), await key.sign(claims({ aud })))).toBe(answer);
  });
});

describe("the bounds of an assertion", () => {
  const now = () => Math.floor(site.clock.seconds());
  it.each<[string, () => Record<string, unknown>, string]>([
    ["an expiry in 630 seconds", () => ({ exp: now() + 630 }), known],
    ["an expiry in 631 seconds", () => ({ exp: now() + 631 }), refused],
    ["a jti of 256 characters", () => ({ jti: "x".repeat(256) }), known],
    ["a jti of 257 characters", () => ({ jti: "x".repeat(257) }), refused],
    ["an empty jti", () => ({ jti: "" }), refused],
  ])("%s", async (_, changes, answer) => {
    expect(await answerTo(start(), await key.sign(claims(changes())))).toBe(answer);
  });

  it("are kept in the store for as long as a clock that is behind takes the assertion for good", async () => {
    const repositories = createInMemoryRepositories({ clock: site.clock.read });
    const harness = start({ repositories });
    expect(await answerTo(harness, await key.sign(claims({ exp: now() + 60, jti: "one" })))).toBe(known);
    expect(await answerTo(harness, await key.sign(claims({ exp: now() - 20, jti: "late" })))).toBe(known);
    const records = (await recordsOf(repositories.clientAssertions)).map(([, record]) => record);
    expect(records).toEqual([
      { clientId, expiresAt: now() + 60 + 750 },
      { clientId, expiresAt: site.clock.seconds() + 750 },
    ]);
  });

  it.each([
    ["the store's clock is ahead", 29, 30, 0],
    ["the clock of the instance that comes later is behind", 39, 0, 10],
    ["the clocks of the instances are as far apart as they may be", 149, 0, 120],
  ])("hold between instances though %s", async (_, later, storeAhead, behind) => {
    const repositories = createInMemoryRepositories({ clock: () => site.clock.read() + storeAhead * 1000 });
    const one = start({ repositories });
    const other = start({ repositories, clock: () => site.clock.read() - behind * 1000 });
    const assertion = await key.sign(claims({ exp: now() + 60 }));
    expect(await answerTo(one, assertion)).toBe(known);
    site.clock.advanceSeconds(60 + later);
    expect(await answerTo(other, assertion)).toBe(refused);
  });

  it("hold for a request that was suspended before it could use the assertion up", async () => {
    const inMemory = createInMemoryRepositories({ clock: site.clock.read });
    const clientAssertions = gated(inMemory.clientAssertions);
    for (const [seconds, answer] of [
      [91, refused],
      [900, "503 temporarily_unavailable"],
    ] as const) {
      const assertion = await key.sign(claims());
      const gate = clientAssertions.hold("add");
      const suspended = answerTo(start({ repositories: { ...inMemory, clientAssertions } }), assertion);
      await gate.arrival();
      expect(await answerTo(start({ repositories: inMemory }), assertion)).toBe(known);
      site.clock.advanceSeconds(seconds);
      await gate.answer();
      expect(await suspended).toBe(answer);
    }
  });

  it("hold for each client by itself", async () => {
    const own = {
      client_id: "own",
      redirect_uris: ["https://client.example/callback"],
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [key.jwk] },
    };
    const harness = start({ clients: [own] });
    expect(await answerTo(harness, await key.sign(claims({ jti: "same" })))).toBe(known);
    expect(await answerTo(harness, await key.sign(claims({ jti: "same" }, "own")))).toBe(known);
    expect(await answerTo(harness, await key.sign(claims({ jti: "same" }, "own")))).toBe(refused);
  });
});

it.each(["before", "behind"])("a key that is too short stands %s a good one, and does no harm", async (place) => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const good = await SigningKey.generate({ algorithm: "RS256" });
  const keys = [publicKey.export({ format: "jwk" }), good.jwk];
  if (place === "behind") keys.reverse();
  site.handler = json(documentWith({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys } }));
  expect(await answerTo(start(), await good.sign(claims()))).toBe(known);
});

describe("a client that has replaced its key", () => {
  const fetches = () => site.requests.length;
  const atHome = { serve, clients: [], id: clientId };
  const apart = { serve: serveApart, clients: [], id: clientId };
  const configured = {
    serve: serveApart,
    clients: [
      {
        client_id: "own",
        redirect_uris: ["https://client.example/callback"],
        token_endpoint_auth_method: "private_key_jwt",
        jwks_uri: keySetUrl,
      },
    ],
    id: "own",
  };
  const places = { "in its document": atHome, "at its jwks_uri": apart, "of a client in the options": configured };
  type Place = keyof typeof places;
  const names: readonly Place[] = ["in its document", "at its jwks_uri", "of a client in the options"];

  it.each(
    names.flatMap((place) =>
      [
        ["by a key without an id", undefined, undefined],
        ["by a key of the same id", "one", "one"],
        ["by a key of another id", "one", "two"],
        ["by a key with an id, which the old one had not", undefined, "two"],
        ["by a key without an id, which the old one had", "one", undefined],
      ].map(([how, before, after]) => ({ place, how, before, after })),
    ),
  )("$place, $how, is known by it, and by the old one no longer", async ({ place, before, after }) => {
    const { serve: publish, clients, id } = places[place];
    const old = await SigningKey.generate(before === undefined ? {} : { kid: before });
    const next = await SigningKey.generate(after === undefined ? {} : { kid: after });
    publish([old]);
    const harness = start({ clients });
    expect(await answerTo(harness, await old.sign(claims({}, id)))).toBe(known);
    const first = fetches();

    publish([next]);
    expect(await answerTo(harness, await next.sign(claims({}, id)))).toBe(known);
    expect(fetches()).toBe(first + 1);
    expect(await answerTo(harness, await old.sign(claims({}, id)))).toBe(refused);
    expect(await answerTo(harness, await next.sign(claims({}, id)))).toBe(known);
    expect(fetches()).toBe(first + 1);
  });

  it.each(names)("%s is asked once for all who come with the new key at the same time", async (place) => {
    const { serve: publish, clients, id } = places[place];
    publish([key]);
    const harness = start({ clients });
    await answerTo(harness, await key.sign(claims({}, id)));
    const first = fetches();
    const next = await SigningKey.generate();
    publish([next]);
    const assertions = await Promise.all(Array.from({ length: 8 }, () => next.sign(claims({}, id))));
    const answers = await Promise.all(assertions.map((assertion) => answerTo(harness, assertion)));
    expect(answers).toEqual(assertions.map(() => known));
    expect(fetches()).toBe(first + 1);
  });

  it.each(names)("%s is not asked again and again because of strangers", async (place) => {
    const { serve: publish, clients, id } = places[place];
    publish([key]);
    const harness = start({ clients });
    expect(await answerTo(harness, await key.sign(claims({}, id)))).toBe(known);
    const first = fetches();
    const strangers = [await SigningKey.generate(), await SigningKey.generate({ kid: "x" })];
    const knock = async () => {
      for (const stranger of strangers) {
        for (let count = 0; count < 5; count += 1) {
          expect(await answerTo(harness, await stranger.sign(claims({}, id)))).toBe(refused);
        }
      }
    };
    await knock();
    expect(fetches()).toBe(first + 1);
    site.clock.advanceSeconds(29);
    await knock();
    expect(fetches()).toBe(first + 1);
    site.clock.advanceSeconds(1);
    await knock();
    expect(fetches()).toBe(first + 2);
    expect(await answerTo(harness, await key.sign(claims({}, id)))).toBe(known);
  });

  it.each(names)("%s is told to come back while its site is out of service, which is asked once", async (place) => {
    const { serve: publish, clients, id } = places[place];
    publish([key]);
    const harness = start({ clients });
    await answerTo(harness, await key.sign(claims({}, id)));
    const first = fetches();
    site.handler = (_request, response) => response.writeHead(503).end();
    const next = await SigningKey.generate();
    for (let count = 0; count < 3; count += 1) {
      expect(await answerTo(harness, await next.sign(claims({}, id)))).toBe("503 temporarily_unavailable");
    }
    expect(fetches()).toBe(first + 1);
    expect(await answerTo(harness, await key.sign(claims({}, id))), "nobody else is disturbed").toBe(known);
    publish([next]);
    site.clock.advanceSeconds(30);
    expect(await answerTo(harness, await next.sign(claims({}, id)))).toBe(known);
  });

  it("is asked again though the clock was set back since", async () => {
    serve([key]);
    const harness = start();
    const stranger = await SigningKey.generate();
    expect(await answerTo(harness, await stranger.sign(claims()))).toBe(refused);
    const first = fetches();
    site.clock.advanceSeconds(-600);
    const next = await SigningKey.generate();
    serve([next]);
    expect(await answerTo(harness, await next.sign(claims()))).toBe(known);
    expect(fetches()).toBe(first + 1);
  });

  it("is asked once more for a key set that may not be kept, and strangers get no second look", async () => {
    serveApart([key], { "cache-control": "no-store" });
    const harness = start();
    const stranger = await SigningKey.generate();
    for (let count = 0; count < 5; count += 1) {
      expect(await answerTo(harness, await stranger.sign(claims()))).toBe(refused);
    }
    // The document, the keys for each assertion, and the keys once more.
    expect(fetches()).toBe(1 + 5 + 1);
  });

  it("that could not be used is known by the new one", async () => {
    const broken = { kty: "EC", crv: "P-256", x: "AAAA", y: "AAAA" };
    site.handler = json(
      documentWith({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [broken] } }),
      hour,
    );
    const harness = start();
    expect(await answerTo(harness, await key.sign(claims()))).toBe(refused);
    serve([key]);
    site.clock.advanceSeconds(30);
    expect(await answerTo(harness, await key.sign(claims()))).toBe(known);
  });

  it("is not looked for at a URL that is the id of a client in the options", async () => {
    const harness = start({
      clients: [
        {
          client_id: clientId,
          redirect_uris: ["https://client.example/callback"],
          token_endpoint_auth_method: "private_key_jwt",
          jwks: { keys: [key.jwk] },
        },
      ],
    });
    const stranger = await SigningKey.generate();
    serve([stranger]);
    expect(await answerTo(harness, await stranger.sign(claims()))).toBe(refused);
    expect(await answerTo(harness, await key.sign(claims()))).toBe(known);
    expect(site.requests).toEqual([]);
  });
});

describe("one assertion at two instances", () => {
  /** Two instances over one store, each with a gate of its own. */
  function twoInstances() {
    const repositories = createInMemoryRepositories({ clock: site.clock.read });
    const atGate = () => {
      const clientAssertions = gated(repositories.clientAssertions);
      const harness = start({ repositories: { ...repositories, clientAssertions } });
      return { gate: clientAssertions.hold("add"), harness };
    };
    return [atGate(), atGate()] as const;
  }
  type Step = "apply" | "answer";

  /** Every order of what the store does for the two and what they hear of it. */
  const orders = ["aAbB", "abAB", "abBA", "baAB", "baBA", "bBaA"].map((order) =>
    [...order].map((letter): [number, Step] => [
      "aA".includes(letter) ? 0 : 1,
      /[ab]/.test(letter) ? "apply" : "answer",
    ]),
  );

  it.each(orders.map((order) => ({ order, story: order.map(([at, step]) => `${step} ${at}`).join(", ") })))(
    "is good at the one that the store hears first: $story",
    async ({ order }) => {
      const instances = twoInstances();
      const assertion = await key.sign(claims());
      const answers = instances.map(({ harness }) => answerTo(harness, assertion));
      await Promise.all(instances.map(({ gate }) => gate.arrival()));
      for (const [at, step] of order) await instances[at]?.gate[step]();
      const first = order.find(([, step]) => step === "apply")?.[0];
      expect(await Promise.all(answers)).toEqual(instances.map((_, at) => (at === first ? known : refused)));
    },
  );

  it("is used up once the store has noted it, though its instance never heard so", async () => {
    const [one, other] = twoInstances();
    const assertion = await key.sign(claims());
    const answer = answerTo(one.harness, assertion);
    await one.gate.arrival();
    await one.gate.apply();
    one.gate.fail(new StorageUnavailableError("The connection was lost."));
    expect(await answer).toBe("503 temporarily_unavailable");
    expect(await answerTo(one.harness, assertion)).toBe(refused);
    const elsewhere = answerTo(other.harness, assertion);
    await other.gate.arrival();
    await other.gate.answer();
    expect(await elsewhere).toBe(refused);
  });

  it("is still good where the store never heard of it", async () => {
    const [one] = twoInstances();
    const assertion = await key.sign(claims());
    const answer = answerTo(one.harness, assertion);
    await one.gate.arrival();
    one.gate.fail(new StorageUnavailableError("The connection was refused."));
    expect(await answer).toBe("503 temporarily_unavailable");
    expect(await answerTo(one.harness, assertion)).toBe(known);
  });
});
