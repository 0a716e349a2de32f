import type { ClientAuth } from "openid-client";
import { requireThat } from "../../option-checks.ts";
import type { Client } from "./openid-client.ts";

const secretMethods = ["client_secret_basic", "client_secret_post"] as const;

/** How a secret is sent to the token endpoint. */
export type SecretMethod = (typeof secretMethods)[number];

/** A client's private key: a PEM text (PKCS #8), or a JWK. */
export type PrivateKey = string | Readonly<Record<string, unknown>>;

/** @throws {ConfigurationError} when it is another method; the message begins with the name of the owner. */
export function requireSecretMethod(owner: string, method: SecretMethod): void {
  requireThat(
    secretMethods.includes(method),
    `${owner}: clientAuthentication must be one of ${secretMethods.join(", ")}.`,
  );
}

/** Authenticates this server by its secret. */
export function bySecret(client: Client, method: SecretMethod, secret: string): ClientAuth {
  return method === "client_secret_basic" ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret);
}

/**
 * Authenticates this server by its private key (`private_key_jwt`).
 *
 * @param algorithm - That of a key which names none.
 * @throws {ConfigurationError} when the key is a secret that is shared.
 */
export async function byPrivateKey(client: Client, privateKey: PrivateKey, algorithm: string): Promise<ClientAuth> {
  const { importJWK, importPKCS8 } = await import("jose");
  if (typeof privateKey === "string") return client.PrivateKeyJwt(await importPKCS8(privateKey, algorithm));
  const { alg = algorithm, kid } = privateKey;
  const key = await importJWK({ ...privateKey }, String(alg));
  requireThat(!(key instanceof Uint8Array), "openIdConnect: privateKey must be an asymmetric key.");
  return client.PrivateKeyJwt(typeof kid === "string" ? { key, kid } : key);
}
