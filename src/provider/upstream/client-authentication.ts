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

/** By which algorithms a key signs whose public part others have: not by a secret that is shared, and not by none. */
const signingAlgorithm = /^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519)$/;

/** @throws {ConfigurationError} when the option is given and names another algorithm. */
export function requireSigningAlgorithm(option: string, algorithm: string | undefined): void {
  requireThat(
    algorithm === undefined || signingAlgorithm.test(algorithm),
    `openIdConnect: ${option} must be an algorithm of public keys, such as RS256, ES256 or EdDSA.`,
  );
}

/** What says how a client authenticates by a key. */
interface KeyOptions {
  readonly privateKey?: PrivateKey;
  readonly privateKeyAlgorithm?: string;
  readonly clientAuthentication?: SecretMethod;
}

/**
 * Checks the key of a client, and that the options of keys and of secrets are not mixed.
 *
 * @throws {ConfigurationError} when the key is of another form, such as the path of its file, or is a public one.
 */
export function requireClientKey({ privateKey, privateKeyAlgorithm, clientAuthentication }: KeyOptions): void {
  requireSigningAlgorithm("privateKeyAlgorithm", privateKeyAlgorithm);
  if (privateKey === undefined) {
    const isUnset = privateKeyAlgorithm === undefined;
    requireThat(isUnset, "openIdConnect: privateKeyAlgorithm is for a privateKey, and there is none.");
    return;
  }
  if (typeof privateKey === "string") {
    const remedy = "not the path of its file, and not another form: `openssl pkcs8 -topk8 -nocrypt` makes this one";
    const isKey = /^\s*-----BEGIN PRIVATE KEY-----\s/.test(privateKey);
    requireThat(isKey, `openIdConnect: privateKey must be the text of a PEM file in PKCS #8, ${remedy}.`);
  } else {
    const isKey = typeof Object(privateKey).d === "string";
    requireThat(isKey, "openIdConnect: privateKey must be a PEM text, or a JWK with its private member d.");
  }
  requireThat(
    clientAuthentication === undefined,
    "openIdConnect: clientAuthentication says how a clientSecret is sent; with a privateKey leave it out.",
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
