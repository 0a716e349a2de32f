import { generateKeyPairSync, sign } from "node:crypto";
import type { PreRegisteredClient } from "../../../src/index.ts";
import type { Assertion } from "./history.ts";
import { baseUrl, redirectUri } from "./instance.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
let count = 0;

/** A client that authenticates with a signature (`private_key_jwt`). */
export const signingClient: PreRegisteredClient = {
  client_id: "editor",
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: "private_key_jwt",
  jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), alg: "ES256" }] },
};

/** An assertion of that client, of its own each time. */
export function assertionOfClient(nowMilliseconds: number): Assertion {
  count += 1;
  const id = `assertion ${count}`;
  const now = Math.floor(nowMilliseconds / 1000);
  const { client_id: client } = signingClient;
  const claims = { iss: client, sub: client, aud: baseUrl, jti: id, iat: now, exp: now + 300 };
  const text = [{ alg: "ES256" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const signature = sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return { id, jwt: `${text}.${signature.toString("base64url")}` };
}
