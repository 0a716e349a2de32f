import { OAuthError, type UnreadableRecordsError, UnsealableError } from "../../errors.ts";
import type { KeyHolder } from "../../records/foreign-records.ts";
import { instanceAnnouncementKey, serverAnnouncementKey, storeAnnouncementKey } from "../../records/keys.ts";
import type { ProviderRepositories } from "../../records/repositories.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";

/** How long an announcement holds, in seconds. It is renewed in the second half of that time, as requests come. */
const lifetimeSeconds = 3600;
/**
 * How much longer than anything that it seals a server is remembered: a tombstone is kept for a day more, and may be written
 * as long after an announcement as that holds.
 */
const rememberedLongerSeconds = 86_400 + lifetimeSeconds;
/** When an instance that no request comes to announces again what it could not announce, in seconds. */
const idleRetrySeconds = 60;
/** How long what was read of a key is believed, in seconds. */
const believedSeconds = 10;
/** How many keys are looked up in that time. Anybody can invent key ids, and each costs a read. */
const maxLookups = 10;
/**
 * How many more are looked up that were asked about before. Whoever has lost a login comes back with the same key's id; one
 * caller by itself cannot come with so many again and again within its rate limit.
 */
const maxSecondLookups = 100;
/** How many keys are remembered that were not looked up at first. */
const maxWaiting = 10_000;

/** What was read of a key, and when. */
interface Lookup {
  readonly holder: KeyHolder;
  /** In epoch seconds. */
  readonly readAt: number;
}

/** What `KeyAnnouncements` needs. */
type AnnouncementParts = Pick<
  ProviderConfiguration,
  "documents" | "issuer" | "keys" | "lifetimes" | "now" | "registration" | "reporter" | "repositories"
>;

/**
 * Tells the instances of a server apart that do not have the same secrets yet, or any more. Each instance announces the
 * ids of its keys in the store. What is sealed under a key that only another instance has is opened by coming back later;
 * what is sealed under a key that nobody announces is lost, and a new login is the way out. What another server has sealed
 * in the same store is nothing to this one, and is not lost either: a server may be down for days, so whose a key was is
 * remembered for as long as anything that it has sealed may live.
 *
 * An instance that ends takes no announcement back. What is announced is a key, and other instances may have it too: without
 * the announcement their live records would count as lost until they announce the key again. Who is the last to have a key
 * cannot be known without a store that compares before it writes.
 */
export class KeyAnnouncements {
  readonly #parts: AnnouncementParts;
  readonly #known = boundedCache<string, Lookup>(maxLookups);
  readonly #knownLater = boundedCache<string, Lookup>(maxSecondLookups);
  /** Since when a key waits that was not looked up at first, in epoch seconds. */
  readonly #waiting = boundedCache<string, number>(maxWaiting);
  /** When the keys are announced again, and when they count as announced no more, in epoch seconds. */
  #renewAt = 0;
  #endsAt = 0;
  readonly #othersTold = new Set<string>();
  #underWay: Promise<void> | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: AnnouncementParts) {
    this.#parts = parts;
  }

  /** Begins to announce the keys of this instance, where that is due. Never throws: a later call makes a failure good. */
  announce(nowSeconds = this.#parts.now()): void {
    if (nowSeconds >= this.#renewAt) this.#renew().catch((failure: unknown) => this.#parts.reporter.failure(failure));
  }

  /**
   * Waits until the keys of this instance are announced, where they are not. Whatever is sealed before that would be lost
   * to the other instances.
   *
   * @throws {StorageError} when the store does not take the announcement.
   */
  async ready(): Promise<void> {
    if (this.#parts.now() >= this.#endsAt) await this.#renew();
  }

  #renew(): Promise<void> {
    this.#underWay ??= this.#announceAll().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #announceAll(): Promise<void> {
    const { documents, issuer, keys, lifetimes, now, registration, repositories } = this.#parts;
    const expiresAt = now() + lifetimeSeconds;
    const { maxStaleSeconds = 0 } = documents;
    const longest = Math.max(lifetimes.grant, lifetimes.refreshToken, registration.unusedLifetime, maxStaleSeconds);
    const rememberedUntil = now() + longest + rememberedLongerSeconds;
    // What fails is made good soon.
    this.#renewAt = now() + believedSeconds;
    this.#renewWhileIdle(idleRetrySeconds);
    const announced = ownKeyIds({ keys, repositories }).flatMap((keyId) => {
      const ends = [
        [instanceAnnouncementKey(issuer, keyId), expiresAt],
        [serverAnnouncementKey(issuer, keyId), rememberedUntil],
        [storeAnnouncementKey(keyId), rememberedUntil],
      ] as const;
      return ends.map(([key, end]) => repositories.keyAnnouncements.set(key, { keyId, expiresAt: end }));
    });
    await Promise.all(announced);
    this.#endsAt = expiresAt;
    this.#renewAt = expiresAt - lifetimeSeconds / 2;
    this.#renewWhileIdle(lifetimeSeconds / 2 + 1);
  }

  /** An instance that no request comes to has its keys all the same. Its timer keeps no process alive. */
  #renewWhileIdle(afterSeconds: number): void {
    clearTimeout(this.#renewal);
    if (this.#isClosed) return;
    this.#renewal = setTimeout(() => this.announce(), afterSeconds * 1000).unref();
  }

  /**
   * What to answer where a sealed value does not open for want of a key: to come back, where another instance has the key;
   * to begin a new login, where none has, or another server. Any other failure stays what it is.
   *
   * @param gone - The OAuth error for a key that nobody has. Default: `invalid_grant`.
   */
  async explain(
    failure: unknown,
    gone: "invalid_grant" | "invalid_token" | "invalid_request" = "invalid_grant",
  ): Promise<unknown> {
    if (!(failure instanceof UnsealableError) || failure.keyId === undefined) return failure;
    if (await this.#isAnnounced(failure.keyId)) {
      return new OAuthError("temporarily_unavailable", "Another instance of this server holds the key; try again.", {
        cause: failure,
        retryAfterSeconds: believedSeconds,
      });
    }
    if ((await this.holderOf(failure.keyId)) === "nobody") this.#parts.reporter.failure(failure);
    return new OAuthError(gone, "The secret that this login began under is gone; log in again.");
  }

  /**
   * What to answer where a listing has ended with records that it could not read: to come back, where another instance of this
   * server has the key of one. Undefined where nobody has any of the keys, or another server has: that opens nothing here.
   *
   * @param message - What the caller reads.
   * @throws {StorageError} when the store fails.
   */
  async explainListing(failure: UnreadableRecordsError, message: string): Promise<OAuthError | undefined> {
    for (const keyId of failure.keyIds) {
      if (!(await this.#isAnnounced(keyId))) continue;
      const retryAfterSeconds = believedSeconds;
      return new OAuthError("temporarily_unavailable", message, { cause: failure, retryAfterSeconds });
    }
    return undefined;
  }

  /**
   * Who has a key. Of a key that cannot be looked up now, since too many are, it says that this server has it: whoever asks
   * comes back. Another server's key is told of, once.
   *
   * @throws {StorageError} when the store fails.
   */
  async holderOf(keyId: string): Promise<KeyHolder> {
    const holder = await this.#lookUp(keyId);
    if (holder !== "another server" || this.#othersTold.has(keyId)) return holder;
    this.#othersTold.add(keyId);
    this.#parts.reporter.tell("foreign-records", { keyId });
    return holder;
  }

  async #isAnnounced(keyId: string): Promise<boolean> {
    return (await this.holderOf(keyId)) === "this server";
  }

  async #lookUp(keyId: string): Promise<KeyHolder> {
    const now = this.#parts.now();
    const isRecent = ({ readAt }: Lookup) => now < readAt + believedSeconds;
    const known = this.#known.get(keyId) ?? this.#knownLater.get(keyId);
    if (known !== undefined && isRecent(known)) return known.holder;
    const waitsSince = this.#waiting.get(keyId);
    // Whoever was told to come back has waited for so long.
    const isSecond = waitsSince !== undefined && now >= waitsSince + believedSeconds;
    const [lookups, max] = isSecond ? [this.#knownLater, maxSecondLookups] : [this.#known, maxLookups];
    if ([...lookups.values()].filter(isRecent).length >= max) {
      if (waitsSince === undefined) this.#waiting.set(keyId, now);
      return "this server";
    }
    const holder = await this.#readHolder(keyId);
    lookups.set(keyId, { holder, readAt: now });
    return holder;
  }

  /** An invented id costs one read. */
  async #readHolder(keyId: string): Promise<KeyHolder> {
    const { issuer } = this.#parts;
    if (!(await this.#isThere(storeAnnouncementKey(keyId)))) return "nobody";
    if (await this.#isThere(instanceAnnouncementKey(issuer, keyId))) return "this server";
    // A key of this server that no instance announces any more is lost; another server may come back with its own.
    return (await this.#isThere(serverAnnouncementKey(issuer, keyId))) ? "nobody" : "another server";
  }

  async #isThere(key: string): Promise<boolean> {
    try {
      return (await this.#parts.repositories.keyAnnouncements.get(key)) !== undefined;
    } catch (failure) {
      // An announcement that does not open is one nevertheless: another instance or server has sealed it, or seals nothing.
      if (failure instanceof UnsealableError) return true;
      throw failure;
    }
  }

  /** Waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#renewal);
    await this.#underWay?.catch(() => undefined);
  }
}

/** The ids of an instance's keys: the provider's, and those that records are sealed with in the store. */
export function ownKeyIds({ keys, repositories }: Pick<AnnouncementParts, "keys" | "repositories">): string[] {
  return [...new Set([...keys.ids, ...sealingKeyIds(repositories)])];
}

/** The ids of the keys that a backend seals records with, where it says so. */
function sealingKeyIds({ sealingKeyIds: ids }: ProviderRepositories & { readonly sealingKeyIds?: unknown }): string[] {
  return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
}
