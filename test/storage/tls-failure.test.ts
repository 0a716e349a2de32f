import { describe, expect, it } from "vitest";
import { isTlsFailure, type TlsFault, tlsFaultOf } from "../../src/storage/tls-failure.ts";
import { failedFor, tlsFaults } from "../support/tls-faults.ts";

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

describe("a fault of TLS", () => {
  it.each(tlsFaults)("%s is: %s", (code, kind) => {
    expect(isTlsFailure(code)).toBe(true);
    expect(tlsFaultOf(failedFor(code))).toEqual({ code, kind, advice: expect.stringMatching(/./) });
    expect(tlsFaultOf(new AggregateError([failedFor(code)]))).toMatchObject({ code, kind });
  });

  it.each(["ECONNREFUSED", "ENOTFOUND", "ERR_STREAM_DESTROYED", "28P01"])("%s is none", (code) => {
    expect(isTlsFailure(code)).toBe(false);
    expect(tlsFaultOf(failedFor(code))).toBeUndefined();
  });

  it.each(furtherWords)("%s is: %s", (code, kind) => {
    expect(tlsFaultOf(failedFor(code))?.kind).toBe(kind);
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
    expect(tlsFaultOf({ errors: [null], cause: behind(10) }), "nothing takes no place").toBeDefined();
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
    const fault = tlsFaultOf(failedFor(code), "http://login.example/http:");
    expect(fault).toEqual(isFault ? { code, kind, advice: expect.stringMatching(/./) } : undefined);
    expect(tlsFaultOf(failedFor(code), "https://login.example/http:")).toBeUndefined();
    expect(tlsFaultOf(failedFor(code))).toBeUndefined();
  });
});
