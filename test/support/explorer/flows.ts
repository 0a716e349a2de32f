import { Actor, logIn } from "./actor.ts";
import type { Flow } from "./flow.ts";
import { redirectUri } from "./instance.ts";
import { assertionOfClient, signingClient } from "./signing-client.ts";
import { watchSignatures } from "./stage.ts";
import {
  aboutTheLock,
  hour,
  longLived,
  newSecret,
  oldSecret,
  openingPangea,
  operatorRevoking,
  pastGrace,
  redeeming,
  redeemingAnd,
  refreshing,
  refreshingAndRevoking,
  revoking,
  rotation,
  rotationTasks,
  stealing,
  suspension,
  tokensOf,
  two,
  wideSkews,
  withCode,
  withCodeThatEnded,
  withExpiredAccessToken,
  withTokens,
  withTokensAndCode,
  withTokensDue,
} from "./tasks.ts";

/** Its grants end with their access token. */
const withoutRefreshTokens = {
  client_id: "editor",
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code"],
  token_endpoint_auth_method: "none",
};

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
    name: "redeem in an outage, on one instance",
    settings: { instances: [{}] },
    prepare: withCode,
    tasks: [redeeming("the client", 0, 3)],
  },
  {
    name: "redeem too late",
    settings: { instances: two },
    prepare: async () => {},
    begin: withCodeThatEnded,
    tasks: [redeeming("the client", 0, 3)],
    advances: [200],
  },
  {
    name: "redeem twice as the code ends",
    settings: { instances: two },
    prepare: async () => {},
    begin: withCode,
    tasks: [redeeming("the client", 0, 2), redeeming("the client's second attempt", 1, 2)],
    advances: [61, 130],
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
    name: "redeem twice, where codes outlast access tokens",
    settings: { instances: two, options: { accessTokenLifetimeSeconds: 60, authorizationCodeLifetimeSeconds: 300 } },
    prepare: withCode,
    tasks: [redeeming("the client", 0, 2), redeeming("the client's second attempt", 1, 2)],
    advances: [61, 110],
    skews: [-60, 60],
  },
  {
    // A request that is suspended for so long that the grant, which says that its code was used, has come and gone.
    name: "redeem twice, where grants are short-lived",
    settings: { instances: two, options: { accessTokenLifetimeSeconds: 300, grantLifetimeSeconds: 600 } },
    prepare: withCode,
    tasks: [redeeming("the client", 0, 2), redeeming("the client's second attempt", 1, 2)],
    advances: [900],
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
    tasks: [refreshing("the client", 0, { times: 2, tries: 2 }), stealing(1)],
    advances: [pastGrace],
  },
  {
    // The records of spent tokens are kept for ten minutes here, which is nearly as long as an unused token is good.
    name: "refresh and reuse, where tokens are short-lived",
    settings: { instances: two, options: { accessTokenLifetimeSeconds: 600, refreshTokenLifetimeSeconds: 660 } },
    prepare: withTokens,
    tasks: [refreshing("the client", 0, { times: 4, tries: 2, at: [0, 0, 1, 1] }), stealing(0)],
    advances: [590],
  },
  {
    // What says that a token was spent is kept for ten minutes: a request that is suspended for longer must not add it again.
    name: "refresh beside a request that is suspended",
    settings: { instances: two },
    prepare: withTokens,
    tasks: [refreshing("the client's other window", 1), refreshing("the client", 0, { times: 5, at: [0, 0, 0, 0, 0] })],
    advances: [suspension],
    bounds: { advances: 2, faults: 0, restarts: 0 },
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
    name: "revoke an access token that has expired",
    settings: { instances: two },
    prepare: withExpiredAccessToken,
    tasks: [
      refreshing("the client, again", 0, { tries: 2 }),
      {
        name: "the client's other window",
        async run(actor, world) {
          const login = world.login(0);
          await actor.revoke(login, tokensOf(world, login, 1).access, { instance: 1, tries: 2 });
        },
      },
    ],
    advances: [5, hour],
  },
  {
    name: "refresh for Pangea's token twice",
    settings: { instances: two, options: longLived },
    prepare: withTokensDue,
    tasks: [openingPangea("a tool", 0), openingPangea("another tool", 1)],
    advances: [pastGrace, ...aboutTheLock, suspension],
    skews: wideSkews,
  },
  {
    name: "refresh for Pangea's token, on three instances",
    settings: { instances: [{}, {}, {}], options: longLived },
    prepare: withTokensDue,
    tasks: [openingPangea("a tool", 0), openingPangea("another tool", 1), openingPangea("a third tool", 2)],
    advances: aboutTheLock,
    skews: wideSkews,
  },
  {
    name: "refresh for Pangea's token and revoke",
    settings: { instances: two, options: longLived },
    prepare: withTokensDue,
    tasks: [openingPangea("a tool", 0), openingPangea("another tool", 1), revoking("the client's sign-out", "refresh")],
    advances: aboutTheLock,
    skews: wideSkews,
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
    advances: aboutTheLock,
  },
  {
    // The operator has nothing that opens the session; whoever shows the refresh token then does.
    name: "refresh after the operator's revocation",
    settings: { instances: two },
    async prepare(world) {
      await withTokens(world);
      await new Actor(world, -1, []).revokeGrants({ clientId: "editor" });
      world.advance(2 * hour * 1_000);
      world.actions += 1;
    },
    tasks: [refreshing("the client", 0, { tries: 2 })],
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
  },
  {
    name: "rotation of the secret, second step",
    settings: rotation([oldSecret, newSecret], [newSecret, oldSecret]),
    prepare: withTokensAndCode,
    tasks: rotationTasks,
  },
  {
    name: "rotation of the secret at once",
    settings: rotation([oldSecret], [newSecret, oldSecret]),
    prepare: withTokensAndCode,
    tasks: rotationTasks,
  },
  {
    name: "assertion twice",
    settings: { instances: two, options: { clients: [signingClient] }, sign: assertionOfClient },
    async prepare(world) {
      watchSignatures();
      await withCode(world);
      await logIn(world, "two", "editor", "pui-bob");
    },
    tasks: [
      {
        name: "the client",
        run: async (actor, world) => void (await actor.redeem(world.login(0), { assertion: world.assertion })),
      },
      {
        name: "who saw the assertion",
        run: async (actor, world) => {
          await actor.redeem(world.login(1), { by: "thief", instance: 1, assertion: world.assertion });
        },
      },
    ],
  },
  {
    name: "consent and revocation",
    settings: { instances: two },
    skews: [-60, 60],
    prepare: withTokens,
    tasks: [
      revoking("the client's sign-out", "refresh"),
      { name: "the person", run: async (actor, world) => void (await actor.comeBack(world.login(0), { tries: 2 })) },
    ],
  },
  {
    name: "consent and account revocation",
    settings: { instances: two },
    skews: [-60, 60],
    prepare: withTokens,
    tasks: [
      operatorRevoking({ subject: "pui-ada" }),
      { name: "the person", run: async (actor, world) => void (await actor.comeBack(world.login(0), { tries: 2 })) },
    ],
  },
  {
    name: "consent without a grant and account revocation",
    settings: { instances: two, options: { clients: [withoutRefreshTokens] } },
    async prepare(world) {
      await withTokens(world);
      world.advance(2 * hour * 1_000);
    },
    tasks: [
      operatorRevoking({ subject: "pui-ada" }),
      { name: "the person", run: async (actor, world) => void (await actor.comeBack(world.login(0), { tries: 2 })) },
    ],
    skews: [-60, 60],
  },
];
