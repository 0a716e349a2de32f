import { Actor, logIn } from "./actor.ts";
import type { Flow, FlowTask } from "./flow.ts";
import type { Login, Outcome } from "./history.ts";
import { assertionOfClient, signingClient } from "./signing-client.ts";
import { watchSignatures } from "./stage.ts";
import type { World } from "./world.ts";

const two = [{}, {}] as const;
/** Past the grace of a spent refresh token, clocks that differ included. */
const pastGrace = 75;
/** Longer than any request is waited for: a process was suspended. */
const suspension = 700;
const hour = 3600;
/** Access tokens here outlive those of Pangea, so that only the latter fall due. */
const longLived = { accessTokenLifetimeSeconds: 24 * hour };

/** A person has logged in, and the client has its code. */
async function withCode(world: World): Promise<void> {
  await logIn(world, "one", "editor", "pui-ada");
}

/** The client has redeemed its code. */
async function withTokens(world: World): Promise<void> {
  await withCode(world);
  await new Actor(world, -1, []).redeem(world.login(0));
}

/** The user's token at Pangea is due to be refreshed. */
async function withTokensDue(world: World): Promise<void> {
  await withTokens(world);
  world.advance((hour - 30) * 1000);
}

/** The first tokens of a login. */
function tokensOf(world: World, login: Login): { readonly access: string; readonly refresh: string } {
  for (const { logins, outcome } of world.calls) {
    if (logins.includes(login.name) && outcome.kind === "tokens")
      return { access: outcome.accessToken, refresh: outcome.refreshToken };
  }
  throw new Error(`The login ${login.name} has no tokens yet.`);
}

/** Refreshes as a client does that keeps its newest token: so many times one after the other. */
function refreshing(
  name: string,
  instance: number,
  options: { times?: number; tries?: number; scope?: string } = {},
): FlowTask {
  return {
    name,
    async run(actor, world) {
      const { times = 1, tries = 1, scope } = options;
      let token = tokensOf(world, world.login(0)).refresh;
      for (let time = 0; time < times; time += 1) {
        const asked = scope === undefined ? {} : { scope };
        const outcome = await actor.refresh(world.login(0), token, { instance: instance + time, tries, ...asked });
        if (outcome.kind !== "tokens") return;
        token = outcome.refreshToken;
      }
    },
  };
}

const redeeming = (name: string, instance: number, tries = 1): FlowTask => ({
  name,
  run: async (actor, world) => void (await actor.redeem(world.login(0), { instance, tries })),
});

/** The task of a client that redeems its code and then goes on with the tokens. */
function redeemingAnd(
  name: string,
  then: (actor: Actor, login: Login, tokens: Extract<Outcome, { kind: "tokens" }>) => Promise<unknown>,
): FlowTask {
  return {
    name,
    async run(actor, world) {
      const outcome = await actor.redeem(world.login(0), { tries: 2 });
      if (outcome.kind === "tokens") await then(actor, world.login(0), outcome);
    },
  };
}

const revoking = (name: string, which: "access" | "refresh"): FlowTask => ({
  name,
  run: async (actor, world) => {
    const login = world.login(0);
    await actor.revoke(login, tokensOf(world, login)[which], { instance: 1, tries: 2 });
  },
});

const openingPangea = (name: string, instance: number): FlowTask => ({
  name,
  run: async (actor, world) => {
    const login = world.login(0);
    await actor.pangeaToken(login, tokensOf(world, login).access, { instance, tries: 2 });
  },
});

const operatorRevoking = (filter: { readonly subject?: string; readonly clientId?: string }): FlowTask => ({
  name: "the operator",
  run: async (actor) => void (await actor.revokeGrants(filter, { instance: 1, tries: 2 })),
});

const [oldSecret, newSecret] = [
  "the old secret of all instances".padEnd(40, "."),
  "the new secret of all instances".padEnd(40, "."),
];

/** One instance has its new secrets already, and in the end both have them. */
function rotation(before: readonly string[], after: readonly string[]): Flow["settings"] {
  return { instances: [{ secret: before }, { secret: after }], afterwards: { secret: after } };
}

/** One login has its tokens, and another one its code. */
async function withTokensAndCode(world: World): Promise<void> {
  await withTokens(world);
  await logIn(world, "two", "terminal", "pui-bob");
}

const rotationTasks: readonly FlowTask[] = [
  refreshing("the editor", 1, { times: 2, tries: 3 }),
  {
    name: "the terminal",
    async run(actor, world) {
      const login = world.login(1);
      const outcome = await actor.redeem(login, { instance: 1, tries: 3 });
      if (outcome.kind !== "tokens") return;
      await actor.pangeaToken(login, outcome.accessToken, { instance: 0, tries: 3 });
      await actor.refresh(login, outcome.refreshToken, { instance: 0, tries: 3 });
    },
  },
];

/** What is explored. Each flow is short: what goes wrong goes wrong between two or three requests. */
export const flows: readonly Flow[] = [
  {
    name: "redeem twice",
    settings: { instances: two },
    prepare: withCode,
    tasks: [redeeming("the client", 0, 2), redeeming("the client's second attempt", 1)],
  },
  {
    name: "redeem in an outage",
    settings: { instances: two },
    prepare: withCode,
    tasks: [redeeming("the client", 0, 3)],
  },
  {
    name: "redeem and replay",
    settings: { instances: two },
    prepare: withCode,
    tasks: [
      redeemingAnd("the client", (actor, login, { refreshToken }) => actor.refresh(login, refreshToken, { tries: 2 })),
      {
        name: "a thief of the code",
        run: async (actor, world) =>
          void (await actor.redeem(world.login(0), { by: "thief", instance: 1, verifier: "x".repeat(43) })),
      },
    ],
  },
  {
    name: "redeem and revoke",
    settings: { instances: two },
    prepare: withCode,
    tasks: [
      redeemingAnd("the client", (actor, login, { refreshToken }) =>
        actor.revoke(login, refreshToken, { instance: 1, tries: 2 }),
      ),
      redeeming("the client's second attempt", 1),
    ],
  },
  {
    name: "refresh twice",
    settings: { instances: two },
    prepare: withTokens,
    tasks: [refreshing("the client", 0, { times: 2, tries: 2 }), refreshing("the client's other window", 1)],
    advances: [pastGrace],
  },
  {
    name: "refresh twice for other scopes",
    settings: { instances: [{}, {}, {}] },
    prepare: withTokens,
    tasks: [
      refreshing("the client, for user", 0, { scope: "user", tries: 2 }),
      refreshing("the client, for admin", 1, { scope: "admin" }),
      refreshing("the client, for all", 2),
    ],
  },
  {
    name: "refresh in an outage",
    settings: { instances: two },
    prepare: withTokens,
    tasks: [refreshing("the client", 0, { times: 2, tries: 3 })],
    advances: [pastGrace, 2 * hour],
  },
  {
    name: "refresh and reuse",
    settings: { instances: two },
    prepare: withTokens,
    tasks: [
      refreshing("the client", 0, { times: 2, tries: 2 }),
      {
        name: "a thief of the first refresh token",
        run: async (actor, world) => {
          const login = world.login(0);
          await actor.refresh(login, tokensOf(world, login).refresh, { by: "thief", instance: 1 });
        },
      },
    ],
    advances: [pastGrace],
  },
  {
    name: "refresh and revoke",
    settings: { instances: two },
    prepare: withTokens,
    tasks: [refreshing("the client", 0, { times: 2, tries: 2 }), revoking("the client's sign-out", "refresh")],
    advances: [pastGrace, suspension],
  },
  {
    name: "refresh and revoke an access token",
    settings: { instances: two },
    prepare: withTokens,
    tasks: [refreshing("the client", 0, { times: 2, tries: 2 }), refreshingAndRevoking("the client's other window")],
  },
  {
    name: "refresh for Pangea's token and revoke",
    settings: { instances: two, options: longLived },
    prepare: withTokensDue,
    tasks: [openingPangea("a tool", 0), openingPangea("another tool", 1), revoking("the client's sign-out", "refresh")],
    bounds: { advances: 0 },
  },
  {
    name: "refresh and operator's revocation",
    settings: { instances: two, options: longLived },
    prepare: withTokensDue,
    tasks: [
      refreshing("the client", 0, { tries: 2 }),
      openingPangea("a tool", 0),
      operatorRevoking({ clientId: "editor" }),
    ],
  },
  {
    name: "account revocation",
    settings: { instances: two },
    async prepare(world) {
      await withTokens(world);
      await logIn(world, "two", "terminal", "pui-ada");
    },
    tasks: [
      refreshing("the editor", 0, { tries: 2 }),
      {
        name: "the terminal",
        run: async (actor, world) => void (await actor.redeem(world.login(1), { tries: 2 })),
      },
      operatorRevoking({ subject: "pui-ada" }),
    ],
  },
  {
    name: "refresh twice and revoke",
    settings: { instances: two },
    prepare: withTokens,
    tasks: [
      {
        name: "the client",
        async run(actor, world) {
          const login = world.login(0);
          const outcome = await actor.refresh(login, tokensOf(world, login).refresh, { tries: 2 });
          if (outcome.kind === "tokens") await actor.revoke(login, outcome.refreshToken, { instance: 1, tries: 2 });
        },
      },
      refreshing("the client's other window", 1),
    ],
    advances: [suspension],
  },
  {
    name: "rotation of the secret, first step",
    settings: rotation([oldSecret], [oldSecret, newSecret]),
    prepare: withTokensAndCode,
    tasks: rotationTasks,
    isFresh: true,
  },
  {
    name: "rotation of the secret, second step",
    settings: rotation([oldSecret, newSecret], [newSecret, oldSecret]),
    prepare: withTokensAndCode,
    tasks: rotationTasks,
    isFresh: true,
  },
  {
    name: "rotation of the secret at once",
    settings: rotation([oldSecret], [newSecret, oldSecret]),
    prepare: withTokensAndCode,
    tasks: rotationTasks,
    isFresh: true,
  },
  {
    name: "assertion twice",
    settings: { instances: two, options: { clients: [signingClient] } },
    async prepare(world) {
      watchSignatures();
      await withCode(world);
      await logIn(world, "two", "editor", "pui-bob");
    },
    tasks: [
      {
        name: "the client",
        run: async (actor, world) =>
          void (await actor.redeem(world.login(0), { assertion: world.assertion(assertionOfClient) })),
      },
      {
        name: "who saw the assertion",
        run: async (actor, world) => {
          const assertion = world.assertion(assertionOfClient);
          await actor.redeem(world.login(1), { by: "thief", instance: 1, assertion });
        },
      },
    ],
  },
  {
    name: "consent and revocation",
    settings: { instances: two },
    prepare: withTokens,
    tasks: [
      revoking("the client's sign-out", "refresh"),
      { name: "the person", run: async (actor, world) => void (await actor.comeBack(world.login(0), { tries: 2 })) },
    ],
  },
  {
    name: "consent and account revocation",
    settings: { instances: two },
    prepare: withTokens,
    tasks: [
      operatorRevoking({ subject: "pui-ada" }),
      { name: "the person", run: async (actor, world) => void (await actor.comeBack(world.login(0), { tries: 2 })) },
    ],
  },
];

/** Refreshes as well, and revokes the access token that came of it. */
function refreshingAndRevoking(name: string): FlowTask {
  return {
    name,
    async run(actor, world) {
      const login = world.login(0);
      const outcome = await actor.refresh(login, tokensOf(world, login).refresh, { instance: 1 });
      if (outcome.kind === "tokens") await actor.revoke(login, outcome.accessToken, { instance: 1, tries: 2 });
    },
  };
}
