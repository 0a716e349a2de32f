import { createHash } from "node:crypto";
import type { ProviderRecords, ProviderRepositories, Repository } from "../../src/index.ts";
import { copyOrder } from "../../src/records/copy-repositories.ts";
import { recordsOf } from "./records-of.ts";

type Kind = keyof ProviderRecords;

/** Makes a record of each kind, different for each number. */
const samples: { readonly [Name in Kind]: (number: number, expiresAt: number) => ProviderRecords[Name] } = {
  grants: (number, expiresAt) => ({
    clientId: `client-${number}`,
    subject: `person-${number % 7}@example.org`,
    scopes: ["user", "files:read"],
    createdAt: 1_700_000_000 + number,
    expiresAt,
    ...(number % 3 === 0 && { resource: new URL(`https://mcp.example.org/${number}`) }),
    ...(number % 5 === 0 && { revokedAt: 1_700_000_100 + number }),
    sealedUpstream: "sealed".repeat(40),
  }),
  grantUses: (number, expiresAt) => ({
    usedAt: 1_700_000_000 + number,
    network: `10.0.${number % 256}.0/24`,
    expiresAt,
  }),
  accessTokens: (number, expiresAt) => ({
    clientId: `client-${number}`,
    scopes: ["user"],
    expiresAt,
    claims: { name: `Person ${number}`, nested: { roles: ["a", "b"] } },
    grantId: keyOf("grants", number),
    wrappedKey: "wrapped".repeat(10),
  }),
  refreshTokens: (number, expiresAt) => ({
    grantId: keyOf("grants", number),
    scopes: ["user"],
    issuedAt: 1_700_000_000 + number,
    usableUntil: expiresAt,
    expiresAt,
    wrappedKey: "wrapped".repeat(10),
  }),
  authorizationCodes: (number, expiresAt) => ({
    clientId: `client-${number}`,
    scopes: ["user"],
    expiresAt,
    codeChallenge: "challenge".repeat(4),
    redirectUri: new URL(`http://127.0.0.1:${1024 + number}/callback`),
  }),
  clients: (number, expiresAt) => ({
    client_id: `client-${number}`,
    redirect_uris: [`http://127.0.0.1:${1024 + number}/callback`],
    client_name: `Cliënt ${number}`,
    ...(number % 2 === 0 && { expiresAt }),
  }),
  clientAssertions: (number, expiresAt) => ({ clientId: `client-${number}`, expiresAt }),
  upstreamSessions: (number, expiresAt) => ({ sealed: `session-${number}`, expiresAt }),
  upstreamRevocations: (number, expiresAt) => ({ sealed: `revocation-${number}`, expiresAt }),
  consentRevocations: (number, expiresAt) => ({ revokedAt: 1_700_000_000 + number, expiresAt }),
  locks: (number, expiresAt) => ({ owner: `instance-${number}`, expiresAt }),
  keyAnnouncements: (number, expiresAt) => ({ keyId: `key-${number}`, expiresAt }),
  accountSessions: (number, expiresAt) => ({ sealed: `account-${number}`, expiresAt }),
};

/** The key of the record of a number, as long as a provider's are. */
export function keyOf(kind: Kind, number: number): string {
  return `sha256-${createHash("sha256").update(`${kind} ${number}`).digest("base64")}`;
}

/** Does something with a repository and what makes its records, whatever their type is. */
export function withKind<R>(
  repositories: ProviderRepositories,
  kind: Kind,
  run: <V>(repository: Repository<string, V>, sample: (number: number, expiresAt: number) => V) => R,
): R {
  const of = <Name extends Kind>(name: Name): R => run<ProviderRecords[Name]>(repositories[name], samples[name]);
  return of(kind);
}

/** Writes so many records of a kind, with numbers from `first` on. */
export async function writeRecords(
  repositories: ProviderRepositories,
  kind: Kind,
  { count, first = 0, expiresAt }: { readonly count: number; readonly first?: number; readonly expiresAt: number },
): Promise<void> {
  await withKind(repositories, kind, async (repository, sample) => {
    const numbers = Array.from({ length: count }, (_, index) => first + index);
    for (let index = 0; index < count; index += 100) {
      const some = numbers.slice(index, index + 100);
      await Promise.all(some.map((number) => repository.set(keyOf(kind, number), sample(number, expiresAt))));
    }
  });
}

/** Everything that repositories hold, by kind and key. */
export async function stateOf(repositories: ProviderRepositories): Promise<Map<string, unknown>> {
  const state = new Map<string, unknown>();
  for (const kind of copyOrder) {
    const records = await withKind<Promise<[string, unknown][]>>(repositories, kind, recordsOf);
    for (const [key, value] of records) state.set(`${kind} ${key}`, value);
  }
  return state;
}
