import { describe, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../../src/index.ts";
import { FailingRepositories, recordedRepositories } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });

/** A refresh token without its mark: the separator, 8 characters of a key id, and 22 of a MAC. */
const unmarked = (token: string): string => token.slice(0, -31);

describe("a refresh token", () => {
  it("gives a new pair", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const renewed = await jsonOf(await harness.refresh(tokens));

    expect(renewed.refresh_token).toMatch(/^pmcp_rt_/);
    expect(renewed.refresh_token).not.toBe(tokens.refresh_token);
    expect(renewed.access_token).not.toBe(tokens.access_token);
    expect(renewed.scope).toBe("user admin");
    expect(await harness.mcpStatus(renewed.access_token)).toBe(200);
    expect((await harness.refresh({ ...tokens, ...renewed })).status).toBe(200);
  });

  it("gets the same answer again within the grace window, for a client that lost it", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read });
    const tokens = await harness.tokens();
    const first = await jsonOf(await harness.refresh(tokens));
    const second = await jsonOf(await harness.refresh({ ...tokens, ...first }));
    clock.advanceSeconds(29);
    const again = await jsonOf(await harness.refresh(tokens));

    expect(again).toEqual({ ...first, expires_in: first.expires_in - 29 });
    expect(await harness.mcpStatus(again.access_token)).toBe(200);
    expect((await harness.refresh({ ...tokens, ...second })).status).toBe(200);
  });

  it.each([31, 3_000, 10 * 86_400, 29 * 86_400])(
    "gets the same answer again %i seconds later, while the successor is unused",
    async (seconds) => {
      const clock = new ManualClock();
      const harness = start({ clock: clock.read });
      const tokens = await harness.tokens();
      const first = await jsonOf(await harness.refresh(tokens));
      clock.advanceSeconds(seconds);
      const again = await jsonOf(await harness.refresh(tokens));

      const isOver = first.expires_in <= seconds;
      const { access_token, ...rest } = first;
      const expires_in = isOver ? first.expires_in : first.expires_in - seconds;
      expect(again).toEqual({ ...rest, expires_in, access_token: expect.any(String) });
      // An access token that has ended is not issued again.
      expect(again.access_token === access_token).toBe(!isOver);
      expect(await harness.mcpStatus(again.access_token)).toBe(200);
      // The use of the successor begins the grace.
      expect((await harness.refresh({ ...tokens, ...again })).status).toBe(200);
      clock.advanceSeconds(29);
      expect((await harness.refresh(tokens)).status).toBe(200);
      clock.advanceSeconds(2);
      expect((await harness.refresh(tokens)).status).toBe(400);
      expect((await harness.refresh({ ...tokens, ...again })).status).toBe(400);
    },
  );

  it("gives fifty concurrent requests the same successor", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const answers = await Promise.all(Array.from({ length: 50 }, () => harness.refresh(tokens)));
    const bodies = await Promise.all(answers.map((answer) => jsonOf(answer)));

    expect(new Set(bodies.map((body) => body.refresh_token)).size).toBe(1);
    expect(new Set(bodies.map((body) => body.access_token)).size).toBe(1);
    expect(await harness.mcpStatus(bodies[0]?.access_token ?? "")).toBe(200);
  });

  it("ends the whole grant when it is used again after the grace window", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read });
    const tokens = await harness.tokens();
    const renewed = await jsonOf(await harness.refresh(tokens));
    const last = await jsonOf(await harness.refresh({ ...tokens, ...renewed }));
    clock.advanceSeconds(31);

    const reuse = await harness.refresh(tokens);

    expect(reuse.status).toBe(400);
    expect((await jsonOf(reuse)).error).toBe("invalid_grant");
    for (const { access_token } of [tokens, renewed, last]) expect(await harness.mcpStatus(access_token)).toBe(401);
    expect((await harness.refresh({ ...tokens, ...last })).status).toBe(400);
  });

  it.each([721, 86_400])(
    "ends the whole grant when it is used again %i seconds later, its record gone",
    async (seconds) => {
      const clock = new ManualClock();
      const repositories = createInMemoryRepositories({ clock: clock.read });
      const harness = start({ clock: clock.read, repositories });
      const tokens = await harness.tokens();
      const renewed = await jsonOf(await harness.refresh(tokens));
      const last = await jsonOf(await harness.refresh({ ...tokens, ...renewed }));
      clock.advanceSeconds(seconds);
      expect(await recordsOf(repositories.refreshTokens)).toHaveLength(2);

      expect((await jsonOf(await harness.refresh(tokens))).error).toBe("invalid_grant");

      expect(await harness.mcpStatus(last.access_token)).toBe(401);
      expect((await harness.refresh({ ...tokens, ...last })).status).toBe(400);
    },
  );

  it("that was not used in time is over, and that is no reuse: what else the login has lives on", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read });
    const unused = await harness.tokens();
    const used = await harness.tokens();
    const { refresh_token } = await jsonOf(await harness.refresh(used));
    clock.advanceSeconds(30 * 86_400);
    for (const refused of [unused, used, { ...used, refresh_token }]) {
      expect((await jsonOf(await harness.refresh(refused))).error).toBe("invalid_grant");
    }
    const alive: string[] = [];
    for await (const { grantId } of harness.provider.listGrants()) alive.push(grantId);
    expect(alive).toHaveLength(2);
  });

  it("is its own client's only", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const other = await harness.register();
    expect((await jsonOf(await harness.refresh(tokens, { client_id: other.client_id }))).error).toBe("invalid_grant");
    expect((await harness.refresh(tokens)).status).toBe(200);
  });

  it("is given only to clients that registered for it", async () => {
    const harness = start();
    const { client_id } = await harness.register({ grant_types: ["authorization_code"] });
    expect((await harness.tokensFor(client_id)).refresh_token).toBeUndefined();
  });

  it("is given to whoever asks for offline_access and is allowed it, and the answers say so", async () => {
    const harness = start();
    for (const grant_types of [["authorization_code"], ["authorization_code", "refresh_token"]]) {
      const { client_id } = await harness.register({ grant_types });
      let tokens = await harness.tokensFor(client_id, { scope: "user offline_access" });
      for (let round = 0; round < 3; round += 1) {
        expect(tokens.scope).toBe("user offline_access");
        expect((await harness.provider.verifyAccessToken(tokens.access_token)).scopes).toEqual(["user"]);
        const answer = await harness.refresh(tokens);
        expect(answer.status).toBe(200);
        tokens = { ...tokens, ...(await jsonOf(answer)) };
      }
    }
  });

  it("is given by a registered offline_access where the request names no scope that there is", async () => {
    const harness = start();
    const { client_id } = await harness.register({ grant_types: ["authorization_code"], scope: "user offline_access" });
    for (const parameters of [{}, { scope: "openid" }]) {
      const tokens = await harness.tokensFor(client_id, parameters);
      expect([tokens.scope, (await harness.refresh(tokens)).status]).toEqual(["user offline_access", 200]);
    }
    expect((await harness.tokensFor(client_id, { scope: "user" })).refresh_token).toBeUndefined();
  });

  it.each([
    ["by its grant types", { grant_types: ["authorization_code"] }, false],
    ["by its grant types and its scope", { grant_types: ["authorization_code"], scope: "user" }, false],
    ["by its scope", { grant_types: ["authorization_code"], scope: "user offline_access" }, true],
    ["by saying nothing", {}, true],
  ])("is given as the operator has said who configured the client: %s", async (_, members, isGiven) => {
    const harness = start({
      clients: [{ client_id: "own", redirect_uris: ["http://127.0.0.1:4999/callback"], ...members }],
    });
    const { scope, refresh_token } = await harness.tokensFor("own", { scope: "user offline_access" });
    expect([scope, refresh_token !== undefined]).toEqual([isGiven ? "user offline_access" : "user", isGiven]);
  });

  it("is of no use to a client that has no right to refresh any more, and is not spent by the attempt", async () => {
    const repositories = createInMemoryRepositories();
    const harness = start({ repositories });
    const tokens = await harness.tokens();
    const client = await repositories.clients.get(tokens.clientId);
    if (client === undefined) throw new Error("It is registered.");
    await repositories.clients.set(tokens.clientId, { ...client, grant_types: ["authorization_code"] });
    const refused = await harness.refresh(tokens);
    expect([refused.status, (await jsonOf(refused)).error]).toEqual([400, "unauthorized_client"]);
    expect(await recordsOf(repositories.refreshTokens)).toHaveLength(1);
    await repositories.clients.set(tokens.clientId, client);
    expect((await harness.refresh(tokens)).status).toBe(200);
  });

  it("may narrow the scopes and never widen them", async () => {
    const harness = start();
    const tokens = await harness.tokens({ scope: "user" });
    expect(tokens.scope).toBe("user");
    expect((await jsonOf(await harness.refresh(tokens, { scope: "user admin" }))).scope).toBe("user");
    expect((await jsonOf(await harness.refresh(tokens, { scope: "user" }))).scope).toBe("user");
  });

  it.each([
    ["user", "user"],
    ["admin openid", "admin"],
    ["openid profile email offline_access", "user admin"],
    ["claudeai", "user admin"],
    ['us"er', "user admin"],
    ["", "user admin"],
  ])("of a grant for both scopes, shown for %j, gives %j, and the next one has both again", async (scope, given) => {
    const harness = start();
    const tokens = await harness.tokens();
    const narrowed = await jsonOf(await harness.refresh(tokens, { scope }));
    expect(narrowed.scope).toBe(given);
    expect((await harness.provider.verifyAccessToken(narrowed.access_token)).scopes).toEqual(given.split(" "));
    expect((await jsonOf(await harness.refresh({ ...tokens, ...narrowed }))).scope).toBe("user admin");
  });

  it("is for its resource only", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const answer = await harness.refresh(tokens, { resource: "https://other.example/mcp" });
    expect((await jsonOf(answer)).error).toBe("invalid_target");
  });

  it("expires, and lives on while it is used, until the grant ends", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read });
    let tokens = await harness.tokens();
    for (const days of [29, 29, 29]) {
      clock.advanceSeconds(days * 86_400);
      const answer = await harness.refresh(tokens);
      expect(answer.status).toBe(200);
      tokens = { ...tokens, ...(await jsonOf(answer)) };
    }
    clock.advanceSeconds(3.1 * 86_400);
    expect((await harness.refresh(tokens)).status).toBe(400);
  });

  it.each(["get", "add", "set"] as const)("survives an outage of the store's %s", async (operation) => {
    const store = new FailingRepositories();
    const harness = start({ repositories: store.repositories });
    const first = await harness.tokens();
    const tokens = { ...first, ...(await jsonOf(await harness.refresh(first))) };
    store.fail(operation);
    const during = await harness.refresh(tokens);
    expect(during.status).toBe(503);
    expect(during.headers.get("retry-after")).not.toBeNull();
    expect((await jsonOf(during)).error).toBe("temporarily_unavailable");
    store.recover();
    expect((await harness.refresh(tokens)).status).toBe(200);
  });

  it("survives a change of the configured secret", async () => {
    const store = new FailingRepositories().repositories;
    const before = start({ repositories: store, secret: "a".repeat(32) });
    const tokens = await before.tokens();
    const first = await jsonOf(await before.refresh(tokens));
    const after = start({ repositories: store, secret: ["b".repeat(32), "a".repeat(32)] });

    // The mark is another, since it is made with another key. The token is the same.
    const again = await jsonOf(await after.refresh(tokens));
    expect(again.access_token).toBe(first.access_token);
    expect(unmarked(again.refresh_token)).toBe(unmarked(first.refresh_token));
    expect(again.refresh_token).not.toBe(first.refresh_token);
    const [one, other] = [
      await jsonOf(await after.refresh({ ...tokens, ...first })),
      await jsonOf(await after.refresh({ ...tokens, ...again })),
    ];
    expect(other).toEqual(one);
  });

  it("leaves every access token that it led to good for its time, all of them ended by one revocation", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read });
    let tokens = await harness.tokens();
    const issued = [tokens.access_token];
    for (let round = 0; round < 20; round += 1) {
      tokens = { ...tokens, ...(await jsonOf(await harness.refresh(tokens))) };
      issued.push(tokens.access_token);
    }
    const statuses = () => Promise.all(issued.map((token) => harness.mcpStatus(token)));
    expect(new Set(await statuses())).toEqual(new Set([200]));
    await harness.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token });
    expect(new Set(await statuses())).toEqual(new Set([401]));
  });

  it("that was never issued is refused without a call to the store", async () => {
    const { repositories, calls } = recordedRepositories();
    const harness = start({ repositories });
    const tokens = await harness.tokens();
    const { refresh_token } = tokens;
    const end = refresh_token.endsWith("0") ? "1" : "0";
    const guesses = ["guess", "pmcp_rt_", refresh_token.slice(0, -1), refresh_token.slice(0, -1) + end];
    // The number of the token is under the mark as well.
    for (const guess of [...guesses, refresh_token.replace("000001", "000002")]) {
      calls.length = 0;
      expect((await jsonOf(await harness.refresh({ ...tokens, refresh_token: guess }))).error).toBe("invalid_grant");
      expect(calls).toEqual([]);
    }
    // Who shows a secret is told first whether it is the client's.
    const { client_id } = await harness.register({ token_endpoint_auth_method: "client_secret_post" });
    const proven = { grant_type: "refresh_token", refresh_token: "guess", client_id, client_secret: "x" };
    expect((await jsonOf(await harness.postForm("/token", proven))).error).toBe("invalid_client");
  });
});
