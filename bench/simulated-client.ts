import type { McpOAuthProvider } from "../src/index.ts";
import type { Random } from "../test/fuzz/random.ts";
import { logInAtFakeUpstream } from "../test/support/fake-upstream.ts";
import { jsonOf } from "../test/support/json-of.ts";
import type { ManualClock } from "../test/support/manual-clock.ts";
import { ClientHarness, type IssuedTokens, pkce } from "../test/support/provider-harness.ts";

const day = 86_400;
/** The defaults of the provider: how long a login lasts, and how long a refresh token is good unused. */
const [loginLasts, tokenLasts] = [90 * day, 30 * day];
const sessionHours = 4;

/** What happened. */
export interface Tally {
  registrations: number;
  logins: number;
  refreshes: number;
  requests: number;
  /** Logins that were due: the one before had lasted its time, or had slept for too long. */
  overdue: number;
  /** What must not happen, and how often it did. */
  readonly faults: Map<string, number>;
}

/** Notes what must not happen, and tells of the first times. */
export function noteFault({ faults }: Tally, what: string, where: string): void {
  const times = (faults.get(what) ?? 0) + 1;
  faults.set(what, times);
  if (times <= 5) console.log(`FAULT ${where}: ${what}`);
}

/** Where clients live. */
interface World {
  readonly instances: readonly McpOAuthProvider[];
  readonly clock: ManualClock;
  readonly random: Random;
  readonly tally: Tally;
}

interface Session {
  readonly redirectUri: string;
  readonly tokens: Pick<IssuedTokens, "clientId" | "refresh_token">;
  readonly secret: string | undefined;
  readonly beganAt: number;
  readonly refreshedAt: number;
}

/**
 * A program on a person's computer, with three processes that share what they keep in one file. It works for four hours,
 * then sleeps for days; one in two hundred never sleeps. One in ten is a hosted client with a secret, which registers once; one in
 * three of the others has the same metadata as the same program of other people.
 */
export class SimulatedClient {
  readonly #world: World;
  readonly #index: number;
  readonly #isHosted: boolean;
  readonly #neverSleeps: boolean;
  readonly #name: string;
  #clientId: string | undefined;
  #session: Session | undefined;
  /** The tokens that the processes had read before the first of them refreshed. */
  #shown: Session["tokens"] | undefined;
  #sleepsUntil: number;
  #worksUntil = 0;
  /** Whether the hour that begins now is the first one since the client slept. */
  #isStart = false;

  constructor(index: number, world: World) {
    this.#index = index;
    this.#world = world;
    this.#isHosted = index % 10 === 0;
    this.#neverSleeps = index % 200 === 25;
    this.#name = index % 3 === 0 ? `Program ${index % 7}` : `Program of person ${index}`;
    this.#sleepsUntil = world.clock.seconds(world.random.below(20 * day));
  }

  /** Whether the client works in the hour that begins now. */
  wakes(): boolean {
    const { clock, random } = this.#world;
    const now = clock.seconds();
    this.#isStart = false;
    if (now < this.#sleepsUntil) return false;
    if (this.#worksUntil <= this.#sleepsUntil) {
      this.#worksUntil = this.#neverSleeps ? Number.POSITIVE_INFINITY : now + sessionHours * 3600;
      this.#isStart = true;
      return true;
    }
    if (now < this.#worksUntil) return true;
    // Most sleep for days; one in twenty is on leave, and has to log in again.
    this.#sleepsUntil = now + (random.oneIn(20) ? 31 + random.below(40) : 1 + random.below(20)) * day;
    return false;
  }

  /** Starts, where the client has just woken: registers, and logs in where it has no login. */
  async begin(): Promise<void> {
    if (!this.#isStart) return;
    if (this.#isHosted && this.#session !== undefined) return;
    const port = 1024 + this.#world.random.below(60_000);
    const redirectUri = this.#isHosted ? "https://hosted.example/callback" : `http://127.0.0.1:${port}/callback`;
    const registered = await this.#register(redirectUri);
    if (registered === undefined) return;
    if (this.#session === undefined) await this.#logIn(redirectUri, registered.client_secret);
    else this.#session = { ...this.#session, redirectUri };
  }

  /** Refreshes in one of the processes; the first one has what is newest, and the others what was so before. */
  async refresh(process: number): Promise<void> {
    const { clock, tally } = this.#world;
    if (this.#session === undefined) return;
    if (process === 0) this.#shown = this.#session.tokens;
    const shown = this.#shown ?? this.#session.tokens;
    const { beganAt, refreshedAt, secret } = this.#session;
    const response = await this.#harness(process).refresh(shown, secret === undefined ? {} : { client_secret: secret });
    if (response.status === 200) {
      const { refresh_token, access_token } = await jsonOf(response);
      tally.refreshes += 1;
      const isSame = refresh_token === this.#session.tokens.refresh_token;
      if (process > 0 && this.#shown !== undefined && !isSame) this.#fault("processes part");
      const tokens = { clientId: shown.clientId, refresh_token };
      this.#session = { ...this.#session, tokens, refreshedAt: clock.seconds() };
      await this.#call(access_token);
      return;
    }
    const { error } = await jsonOf(response);
    const isDue = clock.seconds() >= beganAt + loginLasts || clock.seconds() >= refreshedAt + tokenLasts;
    if (isDue && error === "invalid_grant") tally.overdue += 1;
    else this.#fault(`a refresh is answered with ${response.status} ${error}`);
    await this.#logIn(this.#session.redirectUri, secret);
    this.#shown = undefined;
  }

  #harness(turn = 0): ClientHarness<McpOAuthProvider> {
    const provider = this.#world.instances[(this.#index + turn) % this.#world.instances.length];
    if (provider === undefined) throw new Error("There is no instance.");
    return new ClientHarness(provider, "https://mcp.example");
  }

  async #register(redirectUri: string): Promise<{ readonly client_secret?: string } | undefined> {
    const { instances, tally, random } = this.#world;
    const metadata = {
      client_name: this.#name,
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      software_version: `1.${random.below(100)}`,
      token_endpoint_auth_method: this.#isHosted ? "client_secret_post" : "none",
    };
    const request = new Request("https://mcp.example/register", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(metadata),
    });
    const caller = this.#isHosted ? "160.79.104.10" : `10.0.${this.#index >> 8}.${this.#index & 255}`;
    const response = await random.pick(instances).fetch(request, { caller });
    tally.registrations += 1;
    if (response.status !== 201) return this.#fault(`a registration is answered with ${response.status}`);
    const registered = await jsonOf(response);
    if (this.#clientId !== undefined && registered.client_id !== this.#clientId) this.#fault("another id");
    this.#clientId = registered.client_id;
    return registered;
  }

  async #logIn(redirectUri: string, secret: string | undefined): Promise<void> {
    const { clock, tally } = this.#world;
    const harness = this.#harness();
    const { verifier, challenge } = pkce();
    const client_id = this.#clientId ?? "";
    try {
      const asked = { client_id, redirect_uri: redirectUri, code_challenge: challenge };
      const { location, cookie } = await harness.beginLogin(asked);
      const answer = await harness.finishLogin(logInAtFakeUpstream(location, `person ${this.#index}`), cookie);
      const issued = { clientId: client_id, code: answer.searchParams.get("code") ?? "", verifier };
      const shown = { redirect_uri: redirectUri, ...(secret !== undefined && { client_secret: secret }) };
      const response = await harness.redeem(issued, shown);
      const { refresh_token, access_token, error } = await jsonOf(response);
      if (response.status !== 200) throw new Error(`a code is answered with ${response.status} ${error}`);
      const now = clock.seconds();
      const tokens = { clientId: client_id, refresh_token };
      this.#session = { redirectUri, tokens, secret, beganAt: now, refreshedAt: now };
      tally.logins += 1;
      await this.#call(access_token);
    } catch (failure) {
      this.#fault(`a login fails: ${failure instanceof Error ? failure.message.slice(0, 120) : "for no reason"}`);
      this.#session = undefined;
    }
  }

  async #call(token: string): Promise<void> {
    const status = await this.#harness(1).mcpStatus(token);
    this.#world.tally.requests += 1;
    if (status !== 200) this.#fault(`a request is answered with ${status}`);
  }

  #fault(what: string): undefined {
    const { tally, clock } = this.#world;
    noteFault(tally, what, `${new Date(clock.read()).toISOString()}, client ${this.#index}`);
    return undefined;
  }
}
