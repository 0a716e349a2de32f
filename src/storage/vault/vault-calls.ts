import type { ZodType } from "zod";
import {
  ConfigurationError,
  StorageFailure,
  StorageRateLimitedError,
  StorageTimeoutError,
  StorageUnavailableError,
} from "../../errors.ts";
import { beforeDeadline } from "../deadline.ts";
import { indexPlaceOf } from "./item-metadata.ts";
import type { VaultRepositorySettings } from "./options.ts";
import { timeoutFailure, toStorageFailure, VaultItemNotFoundError } from "./vault-failure.ts";
import {
  readSecret,
  readVersions,
  type SecretVersion,
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
export type VaultCallSettings = Pick<VaultRepositorySettings, "timeout" | "random" | "delay">;

/** What a new secret is stored with. */
export interface NewSecret {
  readonly name: string;
  readonly secret: string;
  readonly folder?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** There is no such item. */
export interface Gone {
  /**
   * How long Vault took to say so, in milliseconds. The SDK waits and repeats a write whose answer was an error, so that
   * after a long time the write may be why there is no such item any more.
   */
  readonly askedFor: number;
}

/** What a write has made of an item. */
export interface WrittenItem {
  /** The number of the current version. */
  readonly version: number;
  readonly indexPlace: string | undefined;
}

/** What becomes of the version that a rotation replaces. */
export type Superseded = "destroyed" | "suspended";

/** What is known of an item once it has been stored. */
export type StoredItem = Pick<VaultSecret, "id" | "name" | "version" | "createdAt" | "indexPlace"> & {
  readonly addedWith?: string | undefined;
};

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

  /** Stores a new secret. */
  async store(secret: NewSecret): Promise<StoredItem> {
    const reply = await this.#call("write", () => this.#service.secretStore({ type: "secret", ...secret }));
    const { id, created_at } = parseReply(vaultItemSchema.pick({ id: true, created_at: true }), reply);
    const { name, metadata } = secret;
    return {
      id,
      name,
      version: 1,
      createdAt: created_at ?? "",
      indexPlace: metadata && indexPlaceOf(metadata),
      addedWith: metadata?.added,
    };
  }

  /** Writes a new version. */
  async rotate(id: string, secret: string, superseded: Superseded = "destroyed"): Promise<WrittenItem | Gone> {
    const reply = await this.#write(() => this.#service.secretRotate({ id, secret, rotation_state: superseded }));
    return "askedFor" in reply ? reply : readWritten(reply);
  }

  /** False for a service that has no way to change an item's metadata. */
  get canUpdate(): boolean {
    return this.#service.update !== undefined;
  }

  /** Replaces the metadata of an item. */
  async update(id: string, metadata: Readonly<Record<string, string>>): Promise<WrittenItem | Gone> {
    const reply = await this.#write(async () => (await this.#service.update?.({ id, metadata })) ?? {});
    return "askedFor" in reply ? reply : readWritten(reply);
  }

  /** Deletes an item. */
  async delete(id: string): Promise<"deleted" | Gone> {
    const reply = await this.#write(() => this.#service.delete(id));
    return "askedFor" in reply ? reply : "deleted";
  }

  /** Reads one item by its id; undefined where there is none. */
  async get(id: string): Promise<VaultSecret | undefined> {
    const reply = await this.#callFor("read", () => this.#service.getItem({ id }));
    if (reply === undefined) return undefined;
    const secret = readSecret(reply.result);
    if (secret === undefined) throw new StorageUnavailableError("Vault answered with something that is no secret.");
    return secret;
  }

  /** Reads every version of an item, the oldest first; undefined where there is no such item. */
  async versions(id: string): Promise<readonly SecretVersion[] | undefined> {
    const reply = await this.#callFor("read", () => this.#service.getItem({ id, version: "all" }));
    return reply && readVersions(reply.result);
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

  /** A call that concerns one item; undefined where there is no such item. */
  async #callFor(kind: "read" | "write", send: () => Promise<VaultReply>): Promise<VaultReply | undefined> {
    try {
      return await this.#call(kind, send);
    } catch (failure) {
      if (failure instanceof VaultItemNotFoundError) return undefined;
      throw failure;
    }
  }

  /** A write to one item. */
  async #write(send: () => Promise<VaultReply>): Promise<VaultReply | Gone> {
    let sentAt = 0;
    const reply = await this.#callFor("write", () => {
      // Whatever was sent before had no effect, or it would not be sent again.
      sentAt = performance.now();
      return send();
    });
    return reply ?? { askedFor: performance.now() - sentAt };
  }

  async #call(kind: "read" | "write", send: () => Promise<VaultReply>): Promise<VaultReply> {
    const { timeout } = this.#settings;
    const deadline = performance.now() + timeout;
    let earlier: StorageFailure | undefined;
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        // The SDK cannot be told to stop: past the deadline its answer, if it comes, goes unheard.
        return await beforeDeadline(deadline - performance.now(), send(), () => timeoutFailure(timeout));
      } catch (failure) {
        if (failure instanceof ConfigurationError) throw failure;
        const known = failure instanceof StorageFailure ? failure : toStorageFailure(failure);
        // What an earlier try of a read was told says more than that the last one ran out of time.
        if (kind === "read" && earlier !== undefined && known instanceof StorageTimeoutError) throw earlier;
        earlier = known;
        const wait = this.#waitBeforeRetry(kind, known, pause);
        if (wait === undefined || performance.now() + wait >= deadline) throw known;
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
}

function readWritten(reply: VaultReply): WrittenItem {
  const { item_versions, metadata } = parseReply(vaultItemSchema, reply);
  return {
    version: Math.max(...item_versions.map(({ version }) => version)),
    indexPlace: indexPlaceOf(metadata ?? {}),
  };
}

function parseReply<T>(schema: ZodType<T>, reply: VaultReply): T {
  const { data } = schema.safeParse(reply.result);
  if (data !== undefined) return data;
  throw new StorageUnavailableError("Vault answered with something that is not a Vault reply.");
}
