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

/** Further words for the same, and words that are only alike. */
const furtherWords: readonly (readonly [code: string, kind: TlsFault["kind"] | undefined])[] = [
  ["ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED", "expired"],
  ["ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED_OR_SO", "no agreement"],
  ["CERT_HAS_EXPIRED_OR_SO", "not trusted"],
  ["A_CERT_HAS_EXPIRED", undefined],
  ["CERT_NOT_YET_VALID_OR_SO", "not trusted"],
  ["A_CERT_NOT_YET_VALID", undefined],
  ["DEPTH_ZERO_SELF_SIGNED_CERT_OR_SO", undefined],
  ["A_SELF_SIGNED_CERT_IN_CHAIN", undefined],
  ["UNABLE_TO_GET_ISSUER_CERT", "unknown issuer"],
  ["CERT_UNTRUSTED", "unknown issuer"],
  ["CERT_UNTRUSTED_OR_SO", "not trusted"],
  ["A_CERT_UNTRUSTED", undefined],
  ["ERR_TLS_CERT_ALTNAME_FORMAT", "wrong host"],
  ["HOSTNAME_MISMATCH", "wrong host"],
  ["HOSTNAME_MISMATCH_OR_SO", undefined],
  ["A_HOSTNAME_MISMATCH", undefined],
  ["ERR_TLS_CERT_SIGNATURE_ALGORITHM_UNSUPPORTED", "not trusted"],
  ["INVALID_PURPOSE", "not trusted"],
  ["INVALID_PURPOSE_OR_SO", undefined],
  ["A_INVALID_PURPOSE", undefined],
  ["PATH_LENGTH_EXCEEDED", "not trusted"],
  ["PATH_LENGTH_EXCEEDED_OR_SO", undefined],
  ["UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY", "not trusted"],
  ["UNABLE_TO_DECRYPT_CERT_SIGNATURE", "not trusted"],
  ["UNABLE_TO_GET_CRL", "not trusted"],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "plain at the other end"],
  ["ERR_SSL_HTTP_REQUEST", "plain at the other end"],
  ["ERR_SSL_HTTPS_PROXY_REQUEST", "plain at the other end"],
  ["ERR_SSL_HTTP_REQUEST_OR_SO", "no agreement"],
  ["A_ERR_SSL_HTTP_REQUEST", undefined],
  ["EPROTO", "no agreement"],
  ["EPROTOTYPE", undefined],
  ["AN_EPROTO", undefined],
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

  it.each(furtherWords)("%s is: %s", (code, kind) => {
    expect(tlsFaultOf(thrown(code))?.kind).toBe(kind);
    expect(isTlsFailure(code)).toBe(kind !== undefined);
  });

  it.each([
    undefined,
    null,
    "CERT_HAS_EXPIRED",
    {},
    new Error("x"),
    { code: ["CERT_HAS_EXPIRED"] },
    { errors: {} },
    Object.assign(() => undefined, { code: "CERT_HAS_EXPIRED" }),
  ])("%o is none", (failure) => {
    expect(tlsFaultOf(failure)).toBeUndefined();
  });

  it("no code is none, and one that nobody may look at is none either", () => {
    expect(isTlsFailure(undefined)).toBe(false);
    const hidden = Object.defineProperty({ cause: { code: "EPROTO" } }, "code", {
      get: () => {
        throw new RangeError("Nobody may look.");
      },
    });
    expect(tlsFaultOf(hidden)?.code).toBe("EPROTO");
  });

  it("is found behind what was thrown, and not for ever", () => {
    const behind = (levels: number) => {
      let failure: unknown = { code: "EPROTO" };
      for (let level = 0; level < levels; level += 1) failure = { cause: failure };
      return failure;
    };
    expect(tlsFaultOf(behind(11))).toBeDefined();
    expect(tlsFaultOf(behind(12))).toBeUndefined();
    const among = (others: number) => ({ errors: [...Array(others).fill({}), { code: "EPROTO" }] });
    expect(tlsFaultOf(among(3))).toBeDefined();
    expect(tlsFaultOf(among(4))).toBeUndefined();
    const circle: { cause?: unknown; errors?: unknown } = {};
    circle.cause = circle;
    circle.errors = [circle, { code: "EPROTO" }];
    expect(tlsFaultOf(circle)?.code).toBe("EPROTO");
    delete circle.errors;
    expect(tlsFaultOf(circle)).toBeUndefined();
  });

  it.each([
    ["HPE_INVALID_CONSTANT", true],
    ["HPE_INVALID_HEADER_TOKEN", true],
    ["UND_ERR_SOCKET", true],
    ["ECONNRESET", true],
    ["ECONNRESET_OR_SO", false],
    ["AN_ECONNRESET", false],
    ["HPE_INVALID_", false],
  ])("%s of a request in plain text is one: %s", (code, isFault) => {
    const kind = isFault ? "encrypted at the other end" : undefined;
    expect(tlsFaultOf(thrown(code), "http://login.example/http:")?.kind).toBe(kind);
    expect(tlsFaultOf(thrown(code), "https://login.example/http:")).toBeUndefined();
    expect(tlsFaultOf(thrown(code))).toBeUndefined();
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
