import { StorageFailure, StorageRateLimitedError, StorageTimeoutError, StorageUnavailableError } from "../../errors.ts";
import { timeoutFailure, toStorageFailure, VaultItemNotFoundError } from "./vault-failure.ts";
import {
  readSecret,
  type VaultReply,
  type VaultSearch,
  type VaultSecret,
  type VaultServiceLike,
  vaultItemSchema,
  vaultPageSchema,
} from "./vault-service.ts";

/** The first pause before a retry, in milliseconds; each further one may be twice as long. */
const firstPause = 100;
const longestPause = 5_000;

/** What bounds a call, and what a test replaces. */
export interface VaultCallSettings {
  /** The deadline of one call with its retries, in milliseconds. */
  readonly timeout: number;
  /** A number from 0 up to 1, for jitter. */
  readonly random: () => number;
  /** Waits, in milliseconds. */
  readonly delay: (milliseconds: number) => Promise<void>;
}

/**
 * Calls to Vault with what the SDK lacks: a deadline, one error taxonomy, and retries with jitter where a retry is safe.
 * Reads are retried; a write is retried only where it certainly had no effect.
 */
export class VaultCalls {
  readonly #service: VaultServiceLike;
  readonly #settings: VaultCallSettings;

  constructor(service: VaultServiceLike, settings: VaultCallSettings) {
    this.#service = service;
    this.#settings = settings;
  }

  /** Stores a new secret and gives back its id. */
  async store(secret: {
    readonly name: string;
    readonly text: string;
    readonly folder: string | undefined;
    readonly metadata: Readonly<Record<string, string>> | undefined;
  }): Promise<string> {
    const { name, text, folder, metadata } = secret;
    const reply = await this.#call("write", () =>
      this.#service.secretStore({
        type: "secret",
        name,
        secret: text,
        ...(folder !== undefined && { folder }),
        ...(metadata !== undefined && { metadata }),
      }),
    );
    return parseReply(vaultItemSchema.pick({ id: true }), reply).id;
  }

  /** Writes a new version, destroys the old one, and gives back the new version's number. */
  async rotate(id: string, text: string): Promise<number> {
    const reply = await this.#call("write", () =>
      this.#service.secretRotate({ id, secret: text, rotation_state: "destroyed" }),
    );
    const { item_versions } = parseReply(vaultItemSchema, reply);
    return Math.max(...item_versions.map((version) => version.version));
  }

  /** Deletes an item: true where this call did it, false where there was none. */
  async delete(id: string): Promise<boolean> {
    try {
      await this.#call("write", () => this.#service.delete(id));
      return true;
    } catch (failure) {
      if (failure instanceof VaultItemNotFoundError) return false;
      throw failure;
    }
  }

  /** Reads one item by its id; undefined where there is none. */
  async get(id: string): Promise<VaultSecret | undefined> {
    try {
      const reply = await this.#call("read", () => this.#service.getItem({ id }));
      const secret = readSecret(reply.result);
      if (secret === undefined) throw new StorageUnavailableError("Vault answered with something that is no secret.");
      return secret;
    } catch (failure) {
      if (failure instanceof VaultItemNotFoundError) return undefined;
      throw failure;
    }
  }

  /** Reads one page of a search. */
  async search(
    search: VaultSearch & { readonly size: number },
  ): Promise<{ secrets: VaultSecret[]; last: string | undefined }> {
    const reply = await this.#call("read", () => this.#service.getBulk(search));
    const page = parseReply(vaultPageSchema, reply);
    const secrets = page.items.map(readSecret).filter((secret) => secret !== undefined);
    // An opaque `last` on a page that is not full would lead to an empty page only.
    return { secrets, last: page.items.length < search.size ? undefined : page.last };
  }

  async #call(kind: "read" | "write", send: () => Promise<VaultReply>): Promise<VaultReply> {
    const started = performance.now();
    let earlier: StorageFailure | undefined;
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      const left = this.#settings.timeout - (performance.now() - started);
      try {
        return await this.#beforeDeadline(left, send);
      } catch (failure) {
        const known = failure instanceof StorageFailure ? failure : toStorageFailure(failure);
        // What an earlier try of a read was told says more than that the last one ran out of time.
        if (kind === "read" && earlier !== undefined && known instanceof StorageTimeoutError) throw earlier;
        earlier = known;
        const wait = this.#waitBeforeRetry(kind, known, pause);
        const leftNow = this.#settings.timeout - (performance.now() - started);
        if (wait === undefined || wait >= leftNow) throw known;
        await this.#settings.delay(wait);
      }
    }
  }

  /** Undefined where another try is not safe or not useful. */
  #waitBeforeRetry(kind: "read" | "write", failure: StorageFailure, pause: number): number | undefined {
    const jittered = pause * (0.5 + this.#settings.random() / 2);
    if (failure instanceof StorageRateLimitedError) {
      return Math.max(jittered, (failure.retryAfterSeconds ?? 0) * 1000);
    }
    if (!(failure instanceof StorageUnavailableError)) return undefined;
    return kind === "read" || failure.effect === "none" ? jittered : undefined;
  }

  /** The SDK cannot be told to stop: past the deadline its answer, if it comes, goes unheard. */
  #beforeDeadline(milliseconds: number, send: () => Promise<VaultReply>): Promise<VaultReply> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(timeoutFailure(this.#settings.timeout)), Math.max(0, milliseconds));
      timer.unref();
      send()
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
  }
}

function parseReply<T>(schema: { safeParse(value: unknown): { success: boolean; data?: T } }, reply: VaultReply): T {
  const { data } = schema.safeParse(reply.result);
  if (data !== undefined) return data;
  throw new StorageUnavailableError("Vault answered with something that is not a Vault reply.");
}
