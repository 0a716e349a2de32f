import type { ClientAuthentication } from "../../records/authorization-code.ts";
import { clientKey } from "../../records/keys.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import type { Repository } from "../../storage/contract.ts";
import { getFresh } from "../../storage/fresh-read.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { ClientMetadata } from "../oauth/client-metadata.ts";
import { longestRequestSeconds } from "../oauth/request-time.ts";
import { clientIdsOf } from "./client-ids.ts";

type RegistrationSettings = Pick<
  ProviderConfiguration,
  "instanceClockTolerance" | "keys" | "lifetimes" | "now" | "registration" | "reporter" | "repositories"
>;

/** How often a registration that is used all the time is written in its life. */
const writesPerLife = 90;

/** A client that was there before, or the id that it will have. */
interface Recognised {
  readonly clientId: string;
  readonly record: OAuthClientInformation | undefined;
}

/**
 * Keeps the registrations of clients. A registration that nobody has logged in with is kept for a short time. Logins
 * keep it for a long one, again and again.
 */
export class Registrations {
  readonly #clients: Repository<string, OAuthClientInformation>;
  readonly #configuration: RegistrationSettings;

  constructor(configuration: RegistrationSettings) {
    this.#configuration = configuration;
    this.#clients = configuration.repositories.clients;
  }

  /** When a registration of now ends unless somebody logs in, in epoch seconds. */
  get firstEnd(): number {
    return Math.floor(this.#configuration.now()) + this.#configuration.registration.firstLoginWithin;
  }

  /**
   * Registers a client that has no secret: the same metadata is the same client, whoever registers and however often. A
   * registration that is there already is kept for its first login anew, and never for a shorter time than before.
   *
   * The last listed secret of the server makes the id, so that servers with the lists [old] and [new, old] agree, and an
   * emptied store changes no id. A pointer to the client is left where the first secret will look for it, so that the
   * client is found once the old secret is gone.
   *
   * @param beforeAdding - Is waited for before a record is added; what it throws is thrown.
   * @returns The client, with its metadata as they are given: the ports of loopback redirect URIs are this caller's.
   */
  async recognise(
    metadata: ClientMetadata & { readonly token_endpoint_auth_method: string },
    beforeAdding: () => Promise<void>,
  ): Promise<OAuthClientInformation> {
    const { keys, now } = this.#configuration;
    const ids = clientIdsOf(metadata, keys.derive("client id"));
    const { clientId, record } = await this.#find(ids);
    const added = {
      ...metadata,
      client_id: clientId,
      client_id_issued_at: Math.floor(now()),
      expiresAt: this.firstEnd,
    };
    const stored = record ?? added;
    if (record === undefined) {
      await beforeAdding();
      // Whoever else adds the same client at this moment adds the same record.
      await this.#clients.add(clientKey(clientId), added);
    } else if (this.#isShort(record)) {
      await this.#prolong(clientId);
    }
    if (ids[0] !== clientId) await this.#pointFrom(ids[0], stored);
    const { client_id_issued_at: issuedAt = added.client_id_issued_at } = stored;
    return { ...added, client_id_issued_at: issuedAt };
  }

  async #find(ids: readonly [string, ...string[]]): Promise<Recognised> {
    const records = await Promise.all(ids.map((id) => this.#clients.get(clientKey(id))));
    const own = records.find((record, index) => record?.client_id === ids[index]);
    if (own !== undefined) return { clientId: own.client_id, record: own };
    const pointer = records.find((record) => record !== undefined);
    if (pointer === undefined) return { clientId: ids.at(-1) ?? ids[0], record: undefined };
    const { client_id: clientId } = pointer;
    const record = await this.#clients.get(clientKey(clientId));
    return { clientId, record: record?.client_id === clientId ? record : undefined };
  }

  /** Whether a record ends before it would as a new one. It is written anew where that gains an hour in a day. */
  #isShort({ expiresAt }: OAuthClientInformation): boolean {
    const { now, registration } = this.#configuration;
    return expiresAt !== undefined && expiresAt - now() <= registration.firstLoginWithin * (23 / 24);
  }

  async #prolong(clientId: string): Promise<void> {
    // A copy may not know yet of the login that made the life longer.
    const record = await getFresh(this.#clients, clientKey(clientId));
    if (record?.client_id !== clientId || !this.#isShort(record)) return;
    await this.#clients.set(clientKey(clientId), { ...record, expiresAt: this.firstEnd });
  }

  /** Leaves a record under an id that is not its own. It is no client, since a client is found by its own id only. */
  async #pointFrom(id: string, client: OAuthClientInformation): Promise<void> {
    const pointer = await this.#clients.get(clientKey(id));
    const isGood = pointer?.client_id === client.client_id && (pointer.expiresAt ?? 0) >= (client.expiresAt ?? 0);
    if (!isGood) await this.#clients.set(clientKey(id), client);
  }

  /**
   * Whether a registration may end before a login does that begins now, or within the next seconds.
   *
   * @param within - How many seconds the login may yet wait to begin.
   */
  endsBeforeLogin(registeredUntil: number | undefined, within = 0): boolean {
    return registeredUntil !== undefined && registeredUntil < this.#endOfLogin + within;
  }

  /** When a login of now has its tokens at the latest, in epoch seconds. */
  get #endOfLogin(): number {
    const { instanceClockTolerance: tolerance, lifetimes, now } = this.#configuration;
    return Math.ceil(now() + lifetimes.login + lifetimes.authorizationCode + longestRequestSeconds + tolerance);
  }

  /**
   * Keeps a registration until a login that begins now has its tokens: then it is renewed. The login goes on whatever
   * becomes of this.
   *
   * @param ended - The registration as it was when the person was asked, for one that has ended since.
   */
  async keepForLogin(clientId: string, ended?: OAuthClientInformation): Promise<void> {
    const key = clientKey(clientId);
    const expiresAt = this.#endOfLogin;
    try {
      const client = await getFresh(this.#clients, key);
      if (client === undefined && ended?.client_id === clientId) await this.#clients.add(key, { ...ended, expiresAt });
      if (client?.client_id !== clientId || !this.endsBeforeLogin(client.expiresAt)) return;
      await this.#clients.set(key, { ...client, expiresAt });
    } catch (failure) {
      this.#configuration.reporter.failure(failure);
    }
  }

  /**
   * Keeps a registration that somebody has logged in with: prolonged by the first login, and once in a 90th of its life,
   * which is a day, while it is used. What needs no login, such as looking at the consent page, does not count: it would
   * keep junk alive.
   * Logins and refreshes are good whatever becomes of this: the next one tries again.
   *
   * @param known - What a record at hand says of the client; saves a read of the client's own where nothing is due.
   */
  async renewIfDue(clientId: string, known?: ClientAuthentication): Promise<void> {
    const { now, registration } = this.#configuration;
    const left = registration.unusedLifetime * (1 - 1 / writesPerLife);
    const isDue = (until: number | undefined) => until !== undefined && until - now() <= left;
    if (known !== undefined && !isDue(known.registeredUntil)) return;
    try {
      const client = await getFresh(this.#clients, clientKey(clientId));
      if (client?.client_id !== clientId || !isDue(client.expiresAt)) return;
      const expiresAt = Math.floor(now()) + registration.unusedLifetime;
      await this.#clients.set(clientKey(clientId), { ...client, ...this.#secretEnd(client), expiresAt });
    } catch (failure) {
      this.#configuration.reporter.failure(failure);
    }
  }

  /** A secret that was given an end before the configuration had it live for ever, and that was shown in time. */
  #secretEnd({ client_secret_expires_at: end }: OAuthClientInformation): { readonly client_secret_expires_at?: 0 } {
    const isEndless = this.#configuration.registration.clientSecretLifetime === 0;
    return isEndless && end !== undefined ? { client_secret_expires_at: 0 } : {};
  }
}
