import { UsageError } from "../usage-error.ts";

/** Where a store is, as it is written behind `--from` and `--to`. */
export type StoreAddress =
  | { readonly kind: "vault"; readonly folder: string | undefined }
  | { readonly kind: "redis"; readonly url: string }
  | { readonly kind: "sqlite"; readonly path: string }
  | { readonly kind: "postgres"; readonly url: string };

const forms = "vault:[/folder], redis://host, rediss://host, sqlite:file or postgres://host/database";

/** The protocols of servers, with the one that the client of this package is given. */
const protocols: Readonly<Record<string, readonly [kind: "redis" | "postgres", clientProtocol: string]>> = {
  redis: ["redis", "redis:"],
  rediss: ["redis", "rediss:"],
  valkey: ["redis", "redis:"],
  valkeys: ["redis", "rediss:"],
  postgres: ["postgres", "postgres:"],
  postgresql: ["postgres", "postgres:"],
};

/** The variables that a server's address is read from where only its kind is given: `redis:`, `postgres:`. */
const addressVariables = { redis: "REDIS_URL", postgres: "DATABASE_URL" } as const;

/**
 * Reads the address of a store. `redis:` and `postgres:` alone stand for what `REDIS_URL` and `DATABASE_URL` say, so that
 * no password has to be on the command line.
 *
 * @param option - The option that the address stands behind.
 * @param variable - Reads a variable of the environment.
 * @throws {UsageError} when it is none. The message repeats nothing of it that may be a password.
 */
export function readAddress(
  option: string,
  text: string,
  variable: (name: string) => string | undefined,
): StoreAddress {
  const [, scheme = "", rest = ""] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  if (scheme === "vault") return { kind: "vault", folder: rest === "" ? undefined : rest };
  if (scheme === "sqlite") return { kind: "sqlite", path: readPath(option, rest) };
  const protocol = Object.hasOwn(protocols, scheme) ? protocols[scheme] : undefined;
  if (protocol === undefined) throw new UsageError(`${option} must be an address: ${forms}.`);
  const [kind, clientProtocol] = protocol;
  if (rest !== "") return { kind, url: clientProtocol + readServer(option, rest, kind) };
  const name = addressVariables[kind];
  const url = variable(name);
  if (url === undefined) throw new UsageError(`${option} ${scheme}: needs the address in the variable ${name}.`);
  const [, given = "", server = ""] = /^([a-z]+):(.*)$/s.exec(url) ?? [];
  const named = Object.hasOwn(protocols, given) ? protocols[given] : undefined;
  if (named?.[0] !== kind) throw new UsageError(`The variable ${name} must be an address such as ${kind}://host.`);
  return { kind, url: named[1] + readServer(name, server, kind) };
}

/** The address as it can be shown: without the user, the password and the settings of a server. */
export function shownAddress(address: StoreAddress): string {
  switch (address.kind) {
    case "vault":
      return `vault:${address.folder ?? ""}`;
    case "sqlite":
      return `sqlite:${address.path}`;
    case "redis":
    case "postgres": {
      const { protocol, host, pathname } = new URL(address.url);
      return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
    }
  }
}

/** Some write the path of a file as that of a URL, with two slashes before it. */
function readPath(option: string, rest: string): string {
  const path = rest.startsWith("//") ? rest.slice(2) : rest;
  if (path === "" || path === ":memory:") throw new UsageError(`${option} sqlite: needs the path of a file.`);
  return path;
}

function readServer(option: string, rest: string, kind: "redis" | "postgres"): string {
  const isUrl = rest.startsWith("//") && URL.canParse(`postgres:${rest}`);
  if (isUrl && kind === "redis" && !/^\/?\d*$/.test(new URL(`redis:${rest}`).pathname)) {
    throw new UsageError(
      `${option}: the address of a Redis ends in the number of a database, or in none: redis://host/0.`,
    );
  }
  if (!isUrl) throw new UsageError(`${option} must be an address: ${forms}. A password is written as in any URL.`);
  return rest;
}
