import { randomBytes } from "node:crypto";
import { z } from "zod";
import { accountSessionKey } from "../../records/keys.ts";
import { isSameText } from "../../secrets/constant-time.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import { openOr } from "../../secrets/sealing.ts";
import { storageKey } from "../../secrets/storage-key.ts";
import { getFresh } from "../../storage/fresh-read.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { AccountHolder } from "./account-login.ts";

const noticeSchema = z.object({
  done: z.enum(["ended", "login-ended", "all-ended", "nothing"]),
  client: z.string().exactOptional(),
});
/** What was done last, for the page that says so; with the client's name as it was shown, where it was about one. */
export type AccountNotice = z.output<typeof noticeSchema>;

const sessionSchema = z.object({
  subject: z.string(),
  name: z.string().exactOptional(),
  upstreamLogout: z.string().exactOptional(),
  expiresAt: z.number(),
});

/** Somebody who is signed in to the account page. */
export interface AccountSession extends z.output<typeof sessionSchema> {
  /** What the browser shows. */
  readonly id: string;
}

/** Ids are made here alone. Anything else costs no read. */
const idForm = /^[A-Za-z0-9_-]{43}$/;

/**
 * Who is signed in to the account page. A session is a record, so that it ends everywhere when it ends; who it is of is sealed
 * in there, bound to the session's id and to the secret of the browser that signed in. So a copy of the store opens nothing, a
 * writer of the store makes no session, and the id alone opens nothing in another browser.
 */
export class AccountSessions {
  readonly #parts: Pick<ProviderConfiguration, "account" | "now" | "repositories">;
  readonly #sealed: SealedJson<z.output<typeof sessionSchema>>;
  readonly #notices: SealedJson<AccountNotice>;

  constructor(parts: Pick<ProviderConfiguration, "account" | "keys" | "now" | "repositories">) {
    this.#parts = parts;
    this.#sealed = new SealedJson(parts.keys.derive("account session"), sessionSchema);
    this.#notices = new SealedJson(parts.keys.derive("account notice"), noticeSchema);
  }

  /**
   * Signs a person in, in one browser.
   *
   * @throws {StorageError} when the store fails.
   */
  async begin({ subject, name, upstreamLogout }: AccountHolder, browserSecret: string): Promise<AccountSession> {
    const id = randomBytes(32).toString("base64url");
    const session = {
      subject,
      ...(name !== undefined && { name }),
      ...(upstreamLogout !== undefined && { upstreamLogout }),
      expiresAt: this.#parts.now() + this.#parts.account.session,
    };
    // Only added and deleted, never written over: no request that is under way brings a session back that has ended.
    await this.#parts.repositories.accountSessions.add(accountSessionKey(id), {
      sealed: this.#sealed.seal(session, placeOf(id, browserSecret)),
      expiresAt: session.expiresAt,
    });
    return { ...session, id };
  }

  /**
   * The session of a browser, if it has one that is not over.
   *
   * @throws {StorageError} when the store fails.
   * @throws {UnsealableError} when it was sealed under a key that only another instance may have.
   */
  async find(id: string | undefined, browserSecrets: readonly string[]): Promise<AccountSession | undefined> {
    if (id === undefined || !idForm.test(id)) return undefined;
    const record = await getFresh(this.#parts.repositories.accountSessions, accountSessionKey(id));
    if (record === undefined) return undefined;
    const places = browserSecrets.map((secret) => placeOf(id, secret));
    const session = openOr(
      () => this.#sealed.openWithAny(record.sealed, places),
      (failure) => {
        if (failure.keyId !== undefined) throw failure;
        return undefined;
      },
    );
    // By the sealed time, which a writer of the store cannot move.
    return session === undefined || session.expiresAt <= this.#parts.now() ? undefined : { ...session, id };
  }

  /**
   * Signs a person out, everywhere where a copy of the session may be.
   *
   * @throws {StorageError} when the store fails: the session may go on, so call again.
   */
  async end({ id }: Pick<AccountSession, "id">): Promise<void> {
    await this.#parts.repositories.accountSessions.delete(accountSessionKey(id));
  }

  /** What a form of this session's pages carries. It tells nothing of the session's id. */
  formToken({ id }: Pick<AccountSession, "id">): string {
    return storageKey("account form", id);
  }

  /** Whether a form is of a page of this session: not of an earlier one in the same browser, nor of another site. */
  isOwnForm(session: Pick<AccountSession, "id">, shown: string | undefined): boolean {
    return shown !== undefined && isSameText(this.formToken(session), shown);
  }

  /** What was done, for the address of the page that says so: in words of this server alone, and in this session only. */
  sealNotice({ id }: Pick<AccountSession, "id">, notice: AccountNotice): string {
    return this.#notices.seal(notice, id);
  }

  /** What was done, or undefined where the address says nothing that this session has to say. */
  openNotice({ id }: Pick<AccountSession, "id">, sealed: string | undefined): AccountNotice | undefined {
    return sealed === undefined
      ? undefined
      : openOr(
          () => this.#notices.open(sealed, id),
          () => undefined,
        );
  }
}

function placeOf(id: string, browserSecret: string): string {
  return JSON.stringify([id, browserSecret]);
}
