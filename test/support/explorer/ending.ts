import { Actor, scopesOf } from "./actor.ts";
import type { Call, Login, Outcome } from "./history.ts";
import type { UpstreamSession } from "./stub-upstream.ts";
import type { World } from "./world.ts";

/** Tokens that an instance answered with. */
export interface KnownTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly scopes: readonly string[];
  readonly verified: readonly string[] | undefined;
  /** The call that led to them. */
  readonly call: Call;
  /** False where the answer was lost on its way. */
  readonly isHeard: boolean;
}

/**
 * How things stand once everything has settled. Looking changes nothing: each look sets the store and the upstream back,
 * and what was seen is remembered.
 */
export class Ending {
  readonly world: World;
  readonly #seen = new Map<string, Promise<unknown>>();

  constructor(world: World) {
    this.world = world;
  }

  get calls(): readonly Call[] {
    return this.world.calls;
  }

  get logins(): readonly Login[] {
    return this.world.logins;
  }

  /** The calls that are about a login, in the order in which they ended. */
  callsOf({ name }: Login): readonly Call[] {
    return this.calls.filter(({ logins }) => logins.includes(name));
  }

  /** The tokens of a login, in the order in which they were answered. */
  tokensOf(login: Login): readonly KnownTokens[] {
    return this.callsOf(login).flatMap((call) =>
      call.answer.kind === "tokens" ? [{ ...call.answer, call, isHeard: call.outcome.kind === "tokens" }] : [],
    );
  }

  /** The session at Pangea that a login began. */
  sessionOf({ session }: Login): UpstreamSession | undefined {
    return this.world.upstream.sessions().find(({ id }) => id === session);
  }

  /** The scopes of an access token, or undefined where it opens nothing. */
  verify(accessToken: string): Promise<readonly string[] | undefined> {
    return this.#look(`verify ${accessToken}`, () => scopesOf(this.world, accessToken));
  }

  /** What a refresh gets. */
  refresh(login: Login, refreshToken: string): Promise<Outcome> {
    return this.#look(`refresh ${refreshToken}`, () =>
      this.#act((actor) => actor.refresh(login, refreshToken, this.#probe)),
    );
  }

  /** What a refresh gets some seconds from now. */
  refreshLater(login: Login, refreshToken: string, seconds: number): Promise<Outcome> {
    return this.#look(`refresh ${seconds} ${refreshToken}`, () => {
      this.world.advance(seconds * 1000);
      return this.#act((actor) => actor.refresh(login, refreshToken, this.#probe));
    });
  }

  /** What the login's code gets. */
  redeem(login: Login): Promise<Outcome> {
    return this.#look(`redeem ${login.code}`, () => this.#act((actor) => actor.redeem(login, this.#probe)));
  }

  /** What somebody gets who asks for the user's token at Pangea. */
  pangeaToken(login: Login, accessToken: string): Promise<Outcome> {
    return this.#look(`open ${accessToken}`, () =>
      this.#act((actor) => actor.pangeaToken(login, accessToken, this.#probe)),
    );
  }

  /** Something of a login that still opens, in words; undefined where the login is over. */
  async whatOpens(login: Login): Promise<string | undefined> {
    for (const { accessToken, refreshToken } of [...this.tokensOf(login)].reverse()) {
      if ((await this.verify(accessToken)) !== undefined) return `the access token <${accessToken}>`;
      if ((await this.pangeaToken(login, accessToken)).kind === "done") return `Pangea's token, by <${accessToken}>`;
      if ((await this.refresh(login, refreshToken)).kind === "tokens") return `the refresh token <${refreshToken}>`;
    }
    return undefined;
  }

  /**
   * A client shows again what it has, to every instance, a minute after all that was, and the operator's job tells Pangea
   * what is left to be told: so what was left to be done has its chance. This is no look: it changes what is there.
   *
   * @returns Whether the client got tokens for its code, from an instance that knew that it had answered nobody.
   */
  async showAllAgain(login: Login): Promise<boolean> {
    const { world } = this;
    world.tell(-1, "The client shows all that it has again, to every instance, a minute apart.");
    const redeemed = await this.#act((actor) => actor.redeem(login, { ...this.#probe, instance: 0 }));
    if (redeemed.kind === "tokens") return true;
    for (const { index, provider } of world.instances) {
      world.advance(60_000);
      for (const { accessToken, refreshToken } of this.tokensOf(login)) {
        await this.#act((actor) => actor.pangeaToken(login, accessToken, { instance: index }));
        await this.#act((actor) => actor.refresh(login, refreshToken, { ...this.#probe, instance: index }));
      }
      await provider.retryUpstreamRevocations();
    }
    this.#seen.clear();
    return false;
  }

  /** A look is made by the client itself, with an assertion of its own where it needs one, at an instance of its own. */
  get #probe() {
    return { instance: -1, assertion: this.world.newAssertion() };
  }

  async #act(work: (actor: Actor) => Promise<Outcome>): Promise<Outcome> {
    const { world } = this;
    const { calls, tell } = world;
    world.calls = [];
    world.tell = () => {};
    try {
      return await work(new Actor(world, -1, []));
    } finally {
      world.calls = calls;
      world.tell = tell;
    }
  }

  #look<T>(name: string, look: () => Promise<T>): Promise<T> {
    const known = this.#seen.get(name);
    if (known !== undefined) return known as Promise<T>;
    const looking = this.world.without(look);
    this.#seen.set(name, looking);
    return looking;
  }
}
