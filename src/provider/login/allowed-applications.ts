import { OAuthError } from "../../errors.ts";
import type { ClientRegistry, KnownClient } from "../clients/client-registry.ts";
import { type GrantSummary, listGrants } from "../grants/grant-directory.ts";

/** A grant, with when it was last used and what its client called itself, where the store knows that. */
export type AllowedLogin = GrantSummary & {
  readonly lastUsedAt?: number | undefined;
  readonly clientName?: string | undefined;
};

/** An application that a person has allowed, and the logins with it, the latest first. */
export interface AllowedApplication {
  readonly clientId: string;
  /** Undefined where the client's registration is over, or its site does not answer. */
  readonly client: KnownClient | undefined;
  readonly logins: readonly AllowedLogin[];
}

/** How many applications are looked up at the same time: each may be a read, or a request to the client's site. */
const lookedUpAtOnce = 8;

/** After so many logins other requests get their turn: some stores give thousands of them at once. */
const listedInOneTurn = 500;

/**
 * Lists what a person has allowed, by application: whoever has logged in three times with one application has allowed that
 * one. The application that was allowed last comes first.
 *
 * @param max - How many applications are looked up and given; `total` says how many there are.
 * @param onFailure - Told where the listing ends with a failure. What it does not reject, the list goes on without.
 * @throws {StorageError} when the store fails.
 */
export async function allowedApplications(
  directory: Parameters<typeof listGrants>[0],
  registry: Pick<ClientRegistry, "find">,
  user: { readonly subject: string; readonly upstreamIssuer: string },
  max: number,
  onFailure: (failure: unknown) => Promise<void>,
): Promise<{ readonly applications: readonly AllowedApplication[]; readonly total: number }> {
  const logins: AllowedLogin[] = [];
  try {
    for await (const grant of listGrants(directory, user)) {
      if (logins.push(grant) % listedInOneTurn === 0) await new Promise(setImmediate);
    }
  } catch (failure) {
    await onFailure(failure);
  }
  logins.sort((one, other) => other.createdAt - one.createdAt);
  const byClient = new Map<string, AllowedLogin[]>();
  for (const login of logins) {
    const ofClient = byClient.get(login.clientId);
    if (ofClient === undefined) byClient.set(login.clientId, [login]);
    else ofClient.push(login);
  }
  const shown = [...byClient].slice(0, max);
  const applications: AllowedApplication[] = [];
  for (let next = 0; next < shown.length; next += lookedUpAtOnce) {
    const found = shown.slice(next, next + lookedUpAtOnce).map(async ([clientId, ofClient]) => ({
      clientId,
      client: await knownClient(registry, clientId),
      logins: ofClient,
    }));
    applications.push(...(await Promise.all(found)));
  }
  return { applications, total: byClient.size };
}

/**
 * The client of a grant. One whose document is refused or cannot be had has its access all the same, and the person can end
 * that.
 *
 * @throws {StorageError} when the store fails.
 */
export async function knownClient(
  registry: Pick<ClientRegistry, "find">,
  clientId: string,
): Promise<KnownClient | undefined> {
  try {
    return await registry.find(clientId);
  } catch (failure) {
    if (failure instanceof OAuthError) return undefined;
    throw failure;
  }
}
