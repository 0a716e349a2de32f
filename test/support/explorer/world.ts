import type { PangeaOAuthProviderOptions } from "../../../src/index.ts";
import { readMarkedCredential } from "../../../src/provider/oauth/grant-credential.ts";
import { grantIdOf, refreshTokenKey } from "../../../src/records/keys.ts";
import { readExpiresAt } from "../../../src/storage/expiry.ts";
import type { Assertion, Call, Login } from "./history.ts";
import { Instance } from "./instance.ts";
import { SharedStore, type StoreSnapshot } from "./shared-store.ts";
import { Stage } from "./stage.ts";
import { StubUpstream, type UpstreamSnapshot } from "./stub-upstream.ts";

/** What a world is made from. */
export interface WorldSettings {
  /** The options that an instance has beside those of all, one entry an instance. */
  readonly instances: readonly Partial<PangeaOAuthProviderOptions>[];
  /** The options that every instance has beside the usual ones. */
  readonly options?: Partial<PangeaOAuthProviderOptions>;
  /** Makes an assertion, where the clients authenticate with one. Its parameter is the time in milliseconds. */
  readonly sign?: (now: number) => Assertion;
  /** What the instances are restarted with once all is over, where that is something else. */
  readonly afterwards?: Partial<PangeaOAuthProviderOptions>;
}

/** Everything at one moment. What instances have in their memory is not part of it. */
export interface WorldSnapshot {
  readonly store: StoreSnapshot;
  readonly upstream: UpstreamSnapshot;
  readonly now: number;
  readonly calls: readonly Call[];
  readonly logins: readonly Login[];
}

const beginning = 1_750_000_000_000;

/** Instances of the provider, the one store and the upstream that they share, the time, and what was heard from outside. */
export class World {
  readonly settings: WorldSettings;
  readonly stage = new Stage();
  readonly store: SharedStore;
  readonly upstream = new StubUpstream();
  readonly instances: readonly Instance[];
  /** An instance that nobody else uses, for looking at how things stand. */
  readonly probe: Instance;
  /** The true time, in milliseconds since the epoch. */
  now = beginning;
  /** How many actions the explorer has taken. */
  actions = 0;
  calls: Call[] = [];
  logins: Login[] = [];
  /** What opened something after its grant had been revoked, in a sentence each, as it was seen on the way. */
  sightings: string[] = [];
  /** Which instances were killed, and at which count of the explorer's actions. */
  kills: { readonly instance: number; readonly at: number }[] = [];
  /** How many calls of the store failed. */
  storeFaults = 0;
  #assertion: Assertion | undefined;
  /** True where every request goes to the first instance. */
  isTogether = false;
  /** Told of what clients hear, where the story is wanted. */
  tell: (task: number, line: string) => void = () => {};

  constructor(settings: WorldSettings) {
    this.settings = settings;
    this.store = new SharedStore(() => this.now);
    const surroundings = { stage: this.stage, store: this.store, upstream: this.upstream, now: () => this.now };
    const make = (options: Partial<PangeaOAuthProviderOptions>, index: number): Instance =>
      new Instance(index, surroundings, { ...settings.options, ...options });
    this.instances = settings.instances.map(make);
    this.probe = make(settings.afterwards ?? settings.instances[0] ?? {}, settings.instances.length);
    this.stage.onlooker = this.probe.index;
  }

  /** An instance by its number, the probe's being -1. */
  instance(index: number): Instance {
    if (index === -1) return this.probe;
    const instance = this.instances[this.isTogether ? 0 : index % this.instances.length];
    if (instance === undefined) throw new RangeError("A world has at least one instance.");
    return instance;
  }

  login(index: number): Login {
    const login = this.logins[index];
    if (login === undefined) throw new RangeError(`The flow prepares no login ${index}.`);
    return login;
  }

  /** The one assertion of this schedule, where the clients authenticate with one. */
  get assertion(): Assertion | undefined {
    this.#assertion ??= this.newAssertion();
    return this.#assertion;
  }

  /** An assertion that nobody has seen yet, where the clients authenticate with one. */
  newAssertion(): Assertion | undefined {
    return this.settings.sign?.(this.now);
  }

  /** Whether everything is stored that redeeming a login's code leads to: grant, refresh token and access token. */
  isCodeUsed({ code }: Login): boolean {
    const { store } = this;
    const { handle = "" } = readMarkedCredential("authorization_code", code) ?? {};
    const grantId = grantIdOf(handle);
    if (store.read("grant", grantId) === undefined) return false;
    if (store.read("refresh_token", refreshTokenKey(handle, 1)) === undefined) return false;
    return store.records().some(({ kind, value }) => kind === "access_token" && hasGrant(value, grantId));
  }

  /** When the record of a refresh token ends, in milliseconds since the epoch; undefined where there is none. */
  endOfRefreshToken(refreshToken: string): number | undefined {
    const { handle = "", generation = 0 } = readMarkedCredential("refresh_token", refreshToken) ?? {};
    const record = this.store.read("refresh_token", refreshTokenKey(handle, generation));
    const expiresAt = readExpiresAt(record);
    return expiresAt === undefined ? undefined : expiresAt * 1_000;
  }

  advance(milliseconds: number): void {
    this.now += milliseconds;
  }

  snapshot(): WorldSnapshot {
    const { now, calls, logins } = this;
    return {
      store: this.store.snapshot(),
      upstream: this.upstream.snapshot(),
      now,
      calls: [...calls],
      logins: [...logins],
    };
  }

  /** Sets everything back, and begins every instance anew, so that no memory knows of what happened since. */
  restore(snapshot: WorldSnapshot): void {
    this.store.restore(snapshot.store);
    this.upstream.restore(snapshot.upstream);
    this.now = snapshot.now;
    this.calls = [...snapshot.calls];
    this.logins = [...snapshot.logins];
    this.sightings = [];
    this.kills = [];
    this.storeFaults = 0;
    this.#assertion = undefined;
    this.isTogether = false;
    this.actions = 0;
    this.upstream.now = 0;
    this.stage.isHeld = false;
    this.stage.waiting.length = 0;
    this.instances.forEach((instance, index) => {
      instance.skew = 0;
      instance.renew({ ...this.settings.options, ...this.settings.instances[index] });
    });
  }

  /** Nobody has logged in yet, and nothing is stored. */
  empty(): void {
    this.restore({ store: new Map(), upstream: new Map(), now: beginning, calls: [], logins: [] });
  }

  /** Does something and sets the store and the upstream back, as if it had not been. */
  async without<R>(work: () => Promise<R>): Promise<R> {
    const [store, upstream, now] = [this.store.snapshot(), this.upstream.snapshot(), this.now];
    try {
      return await work();
    } finally {
      this.store.restore(store);
      this.upstream.restore(upstream);
      this.now = now;
    }
  }
}

function hasGrant(record: unknown, grantId: string): boolean {
  return typeof record === "object" && record !== null && Reflect.get(record, "grantId") === grantId;
}
