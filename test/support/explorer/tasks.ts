import { Actor, logIn } from "./actor.ts";
import type { Flow, FlowTask } from "./flow.ts";
import type { Login, Outcome } from "./history.ts";
import type { World } from "./world.ts";

export const two = [{}, {}] as const;
/** Past the grace of a spent refresh token, clocks that differ included. */
export const pastGrace = 75;
/** Longer than any request is waited for: a process was suspended. */
export const suspension = 700;
/** Shorter and longer than the lock of a session that is refreshed holds: what the clocks make of it is for the schedule. */
export const aboutTheLock = [170, 285, 310] as const;
/** As far as two instances' clocks may be apart. */
export const wideSkews = [-100, -20, 20, 100] as const;
export const hour = 3600;
/** Access tokens here outlive those of Pangea, so that only the latter fall due. */
export const longLived = { accessTokenLifetimeSeconds: 24 * hour };

/** A person has logged in, and the client has its code. */
export async function withCode(world: World): Promise<void> {
  await logIn(world, "one", "editor", "pui-ada");
}

/** The client has a code that has just ended by the clock of who issued it, and is good by that of others. */
export async function withCodeThatEnded(world: World): Promise<void> {
  await withCode(world);
  world.advance(61_000);
}

/** The client has redeemed its code. */
export async function withTokens(world: World): Promise<void> {
  await withCode(world);
  await new Actor(world, -1, []).redeem(world.login(0));
}

/** The client has refreshed once, and its second access token has ended since. */
export async function withExpiredAccessToken(world: World): Promise<void> {
  await withTokens(world);
  await new Actor(world, -1, []).refresh(world.login(0), tokensOf(world, world.login(0)).refresh);
  world.advance((hour + 1) * 1000);
}

/** The user's token at Pangea is due to be refreshed. */
export async function withTokensDue(world: World): Promise<void> {
  await withTokens(world);
  world.advance((hour - 30) * 1000);
}

/** The first tokens of a login, or those that it got later. */
export function tokensOf(
  world: World,
  login: Login,
  number = 0,
): { readonly access: string; readonly refresh: string } {
  const issued = world.calls.flatMap(({ logins, outcome }) =>
    logins.includes(login.name) && outcome.kind === "tokens" ? [outcome] : [],
  );
  const tokens = issued[number];
  if (tokens === undefined) throw new Error(`The login ${login.name} has no tokens ${number} yet.`);
  return { access: tokens.accessToken, refresh: tokens.refreshToken };
}

/**
 * Refreshes as a client does that keeps its newest token: so many times one after the other.
 *
 * @param options - `at`: the instances that are asked, one after the other, where it is not one more each time.
 */
export function refreshing(
  name: string,
  instance: number,
  options: { times?: number; tries?: number; scope?: string; at?: readonly number[] } = {},
): FlowTask {
  return {
    name,
    async run(actor, world) {
      const { times = 1, tries = 1, scope, at } = options;
      let token = tokensOf(world, world.login(0)).refresh;
      for (let time = 0; time < times; time += 1) {
        const asked = scope === undefined ? {} : { scope };
        const outcome = await actor.refresh(world.login(0), token, {
          ...{ instance: at?.[time] ?? instance + time, tries },
          ...asked,
        });
        if (outcome.kind !== "tokens") return;
        token = outcome.refreshToken;
      }
    },
  };
}

export const redeeming = (name: string, instance: number, tries = 1): FlowTask => ({
  name,
  run: async (actor, world) => void (await actor.redeem(world.login(0), { instance, tries })),
});

/** The task of a client that redeems its code and then goes on with the tokens. */
export function redeemingAnd(
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

export const revoking = (name: string, which: "access" | "refresh"): FlowTask => ({
  name,
  run: async (actor, world) => {
    const login = world.login(0);
    await actor.revoke(login, tokensOf(world, login)[which], { instance: 1, tries: 2 });
  },
});

/** A thief who has found the first refresh token. */
export const stealing = (instance: number): FlowTask => ({
  name: "a thief of the first refresh token",
  run: async (actor, world) => {
    const login = world.login(0);
    await actor.refresh(login, tokensOf(world, login).refresh, { by: "thief", instance });
  },
});

export const openingPangea = (name: string, instance: number): FlowTask => ({
  name,
  run: async (actor, world) => {
    const login = world.login(0);
    await actor.pangeaToken(login, tokensOf(world, login).access, { instance, tries: 2 });
  },
});

export const operatorRevoking = (filter: { readonly subject?: string; readonly clientId?: string }): FlowTask => ({
  name: "the operator",
  run: async (actor) => void (await actor.revokeGrants(filter, { instance: 1, tries: 2 })),
});

export const [oldSecret, newSecret] = [
  "the old secret of all instances".padEnd(40, "."),
  "the new secret of all instances".padEnd(40, "."),
];

/** One instance has its new secrets already, and in the end both have them. */
export function rotation(before: readonly string[], after: readonly string[]): Flow["settings"] {
  return { instances: [{ secret: before }, { secret: after }], afterwards: { secret: after } };
}

/** One login has its tokens, and another one its code. */
export async function withTokensAndCode(world: World): Promise<void> {
  await withTokens(world);
  await logIn(world, "two", "terminal", "pui-bob");
}

export const rotationTasks: readonly FlowTask[] = [
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

/** Refreshes as well, and revokes the access token that came of it. */
export function refreshingAndRevoking(name: string): FlowTask {
  return {
    name,
    async run(actor, world) {
      const login = world.login(0);
      const outcome = await actor.refresh(login, tokensOf(world, login).refresh, { instance: 1 });
      if (outcome.kind === "tokens") await actor.revoke(login, outcome.accessToken, { instance: 1, tries: 2 });
    },
  };
}
