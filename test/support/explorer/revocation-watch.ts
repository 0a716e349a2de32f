import { scopesOf } from "./actor.ts";
import { Ending } from "./ending.ts";
import { rulesThatEnd } from "./excuses.ts";
import type { World } from "./world.ts";

/**
 * Watches the access tokens of grants that were revoked, from the moment on at which that was answered. There is no cache
 * here, so the bound after which they must open nothing is that moment.
 */
export class RevocationWatch {
  readonly #world: World;
  readonly #revoked = new Map<string, string>();
  #callsSeen = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Looks whether one of them opens something now. */
  async look(): Promise<void> {
    const { calls, sightings } = this.#world;
    if (calls.length !== this.#callsSeen) {
      this.#callsSeen = calls.length;
      this.#learn();
    }
    for (const [accessToken, rule] of this.#revoked) {
      if ((await scopesOf(this.#world, accessToken)) === undefined) continue;
      sightings.push(`${rule}, and then <${accessToken}> is good`);
      this.#revoked.delete(accessToken);
    }
  }

  #learn(): void {
    const ending = new Ending(this.#world);
    for (const login of ending.logins) {
      const [rule] = rulesThatEnd(ending, login);
      if (rule === undefined) continue;
      for (const { accessToken } of ending.tokensOf(login)) this.#revoked.set(accessToken, rule);
    }
  }
}
