import { beforeEach, describe, expect, it } from "vitest";
import {
  ConfigurationError,
  createInMemoryRepositories,
  type PangeaOAuthProviderOptions,
  type ProviderRepositories,
} from "../../../src/index.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type IssuedTokens, ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();
const old = `pck_${"o".repeat(32)}`;
const fresh = `pck_${"n".repeat(32)}`;

let clock: ManualClock;
let repositories: ProviderRepositories;
/** The secret that Pangea takes at the moment. */
let current: string;
beforeEach(() => {
  clock = new ManualClock();
  repositories = createInMemoryRepositories({ clock: clock.read });
  current = old;
});

const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;

/** An instance of the server, at a Pangea that takes the current secret only. */
function open(clientSecret: string | readonly string[], changes: Partial<PangeaOAuthProviderOptions> = {}) {
  const options = providerOptions(emulator.issuerUrl);
  const { pangeaAuthnClientId: id, pangeaAuthnClientSecret: emulated } = options;
  return new ProviderHarness({
    ...options,
    pangeaAuthnClientSecret: clientSecret,
    repositories,
    clock: clock.read,
    fetch: (request) => {
      if (request.headers.get("authorization") !== basic(id, current)) {
        return Promise.resolve(Response.json({ error: "invalid_client" }, { status: 401 }));
      }
      const headers = new Headers(request.headers);
      headers.set("authorization", basic(id, emulated));
      return fetch(new Request(request, { headers }));
    },
    ...changes,
  });
}

/** The login is there on this instance: its tokens are refreshed, and the user's token at Pangea is. */
async function goesOn(instance: ProviderHarness, tokens: IssuedTokens): Promise<IssuedTokens> {
  expect(await instance.mcpStatus(tokens.access_token)).toBe(200);
  const answer = await instance.refresh(tokens);
  expect(answer.status).toBe(200);
  const next = { ...tokens, ...(await jsonOf(answer)) };
  expect((await instance.provider.pangeaToken({ token: next.access_token })).email).toBe("ada@example.com");
  return next;
}

describe("Pangea's client secret rotated, with a list", () => {
  it("ends no login on either of two instances, in the order of the documentation", async () => {
    let tokens = await open(old).tokens();
    // Every instance learns to read what the new one will seal; Pangea has the old one still.
    let instances = [open([old, fresh]), open([old, fresh])];
    for (const instance of instances) tokens = await goesOn(instance, tokens);
    current = fresh;
    // One instance after the other uses the new one.
    instances = [open([fresh, old]), open([old, fresh])];
    for (const instance of instances) tokens = await goesOn(instance, tokens);
    instances = [open([fresh, old]), open([fresh, old])];
    for (const instance of instances) tokens = await goesOn(instance, tokens);
    // What was begun since is the new one's alone.
    tokens = await goesOn(open(fresh), tokens);
    const later = await open([fresh, old]).tokensFor(tokens.clientId);
    await goesOn(open(fresh), later);
  });

  it("ends none where the new one is put in front at once", async () => {
    const before = await open(old).tokens();
    current = fresh;
    const [ahead, behind] = [open([fresh, old]), open(old)];
    const tokens = await goesOn(ahead, before);
    expect((await behind.refresh(tokens)).status, "come back, and meet the instance that is ahead").toBe(503);
    await goesOn(ahead, tokens);
  });

  it("uses the first one only", async () => {
    const harness = open([fresh, old]);
    const { client_id } = await harness.register();
    const answer = await harness.logIn({ client_id, code_challenge: "c".repeat(43) });
    expect(answer.searchParams.get("error")).toBe("server_error");
    current = fresh;
    expect((await harness.tokensFor(client_id)).token_type).toBe("Bearer");
  });
});

it("Pangea's client secret is replaced without a list where there is a secret that keys follow from", async () => {
  const secret = "s".repeat(40);
  const tokens = await open(old, { secret }).tokens();
  current = fresh;
  const [one, other] = [open(fresh, { secret }), open(fresh, { secret })];
  await goesOn(other, await goesOn(one, tokens));
});

it("a server without a secret moves to one of its own, with Pangea's listed behind", async () => {
  const secret = "s".repeat(40);
  const tokens = await open(old).tokens();
  const next = await goesOn(open(old, { secret: [secret, old] }), tokens);
  current = fresh;
  await goesOn(open(fresh, { secret }), next);
});

it.each([
  ["an empty list", []],
  ["a list with an empty secret", [fresh, ""]],
  ["a list with something else", [fresh, 7]],
  ["a list with a short secret", [fresh, "hunter2"]],
  ["the same secret twice", [fresh, fresh]],
])("is not made from %s", (_, given) => {
  const options = { ...providerOptions(emulator.issuerUrl), pangeaAuthnClientSecret: given };
  expect(() => new ProviderHarness(options as PangeaOAuthProviderOptions)).toThrow(ConfigurationError);
});
