import { once } from "node:events";
import { createServer as createPlainServer } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";
import { describe, expect, it } from "vitest";
import { openIdConnect, type Upstream } from "../../src/index.ts";
import { postgresFailure } from "../../src/storage/postgres/postgres-failure.ts";
import { connectionFailure } from "../../src/storage/redis/redis-failure.ts";
import { isTlsFailure, type TlsFault, tlsFaultOf } from "../../src/storage/tls-failure.ts";
import { toStorageFailure } from "../../src/storage/vault/vault-failure.ts";
import { scriptedClient } from "../support/scripted-openid-provider.ts";
import { pangeaAt, plainUpstream, type Send } from "../support/sent-upstreams.ts";

/** What the system says, and what it means. */
const faults: readonly (readonly [code: string, kind: TlsFault["kind"]])[] = [
  ["CERT_HAS_EXPIRED", "expired"],
  ["CERT_NOT_YET_VALID", "not yet valid"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "self-signed"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unknown issuer"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unknown issuer"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "wrong host"],
  ["CERT_REVOKED", "not trusted"],
  ["INVALID_CA", "not trusted"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "plain at the other end"],
  ["ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", "no agreement"],
];

const thrown = (code: string) => new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code }) });

describe("a fault of TLS", () => {
  it.each(faults)("%s is: %s", (code, kind) => {
    expect(isTlsFailure(code)).toBe(true);
    expect(tlsFaultOf(thrown(code))).toMatchObject({ code, kind });
    expect(tlsFaultOf(new AggregateError([thrown(code)]))).toMatchObject({ code, kind });
  });

  it.each(["ECONNREFUSED", "ENOTFOUND", "ERR_STREAM_DESTROYED", "28P01"])("%s is none", (code) => {
    expect(isTlsFailure(code)).toBe(false);
    expect(tlsFaultOf(thrown(code))).toBeUndefined();
  });

  it.each([undefined, null, "CERT_HAS_EXPIRED", {}, new Error("x")])("%o is none", (failure) => {
    expect(tlsFaultOf(failure)).toBeUndefined();
  });
});

const redirectUri = "http://localhost:8000/callback";
const exchange = { code: "code", codeVerifier: "a verifier of forty-three characters, or of more", redirectUri };
const upstreams: Readonly<Record<string, (send: Send) => Upstream>> = {
  "Pangea AuthN": (send) => pangeaAt("https://login.example", send),
  "an OpenID provider": (send) => openIdConnect({ issuer: "https://id.example", ...scriptedClient, fetch: send }),
  "a provider of OAuth 2.0": plainUpstream,
};
const stores: Readonly<Record<string, (failure: Error) => Error>> = {
  Redis: (failure) => connectionFailure(failure.cause),
  Postgres: (failure) => postgresFailure(failure.cause, "read"),
  Vault: (failure) => toStorageFailure(failure),
};

describe("is told as one, with what to do", () => {
  const ofUpstreams = Object.entries(upstreams).flatMap(([name, make]) =>
    faults.map(([code]) => [code, name, make] as const),
  );
  it.each(ofUpstreams)("%s of %s, in the log and by doctor", async (code, _, make) => {
    const advice = tlsFaultOf(thrown(code))?.advice ?? "none";
    const upstream = make(() => Promise.reject(thrown(code)));
    const failure: unknown = await upstream.exchange(exchange).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE", message: expect.stringContaining(advice) });
    const findings = (await upstream.diagnose?.(redirectUri)) ?? [];
    const told = findings.find(({ check }) => check === "upstream-issuer");
    expect(told?.status).toBe("error");
    expect(`${told?.what} ${told?.remedy}`).toContain(advice);
    expect(told?.what).toContain(code);
  });

  const ofStores = Object.entries(stores).flatMap(([name, make]) =>
    faults.map(([code]) => [code, name, make] as const),
  );
  it.each(ofStores)("%s of %s", (code, _, failureOf) => {
    const advice = tlsFaultOf(thrown(code))?.advice ?? "none";
    expect(failureOf(thrown(code))).toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
      message: expect.stringContaining(advice),
      cause: { code },
    });
  });
});

describe("a server of this machine", () => {
  it.each([
    ["whose certificate it has signed itself", "https", "https", "self-signed"],
    ["that does not speak TLS", "http", "https", "plain at the other end"],
    ["that speaks nothing but TLS", "https", "http", "encrypted at the other end"],
  ] as const)("%s", async (_, speaks, asked, kind) => {
    const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec" });
    const server = speaks === "https" ? createServer({ key, cert }) : createPlainServer();
    server.on("request", (_request, response) => response.end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const issuer = `${asked}://127.0.0.1:${port}`;
    try {
      const failure: unknown = await fetch(issuer).catch((error: unknown) => error);
      expect(tlsFaultOf(failure, issuer)?.kind).toBe(kind);
      const findings = (await pangeaAt(issuer).diagnose?.(redirectUri)) ?? [];
      expect(findings).toMatchObject([{ status: "error", remedy: tlsFaultOf(failure, issuer)?.advice }]);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
