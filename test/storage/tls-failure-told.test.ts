import { once } from "node:events";
import { createServer as createPlainServer } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";
import { describe, expect, it } from "vitest";
import { openIdConnect, type Upstream } from "../../src/index.ts";
import { postgresFailure } from "../../src/storage/postgres/postgres-failure.ts";
import { connectionFailure } from "../../src/storage/redis/redis-failure.ts";
import { tlsFaultOf } from "../../src/storage/tls-failure.ts";
import { toStorageFailure } from "../../src/storage/vault/vault-failure.ts";
import { scriptedClient } from "../support/scripted-openid-provider.ts";
import { pangeaAt, plainUpstream, type Send } from "../support/sent-upstreams.ts";
import { failedFor, tlsFaults } from "../support/tls-faults.ts";

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
    tlsFaults.map(([code]) => [code, name, make] as const),
  );
  it.each(ofUpstreams)("%s of %s, in the log and by doctor", async (code, _, make) => {
    const advice = tlsFaultOf(failedFor(code))?.advice ?? "none";
    const upstream = make(() => Promise.reject(failedFor(code)));
    const failure: unknown = await upstream.exchange(exchange).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE", message: expect.stringContaining(advice) });
    const findings = (await upstream.diagnose?.(redirectUri)) ?? [];
    const told = findings.find(({ check }) => check === "upstream-issuer");
    expect(told?.status).toBe("error");
    expect(`${told?.what} ${told?.remedy}`).toContain(advice);
    expect(told?.what).toContain(code);
  });

  const ofStores = Object.entries(stores).flatMap(([name, make]) =>
    tlsFaults.map(([code]) => [code, name, make] as const),
  );
  it.each(ofStores)("%s of %s", (code, _, failureOf) => {
    const advice = tlsFaultOf(failedFor(code))?.advice ?? "none";
    expect(failureOf(failedFor(code))).toMatchObject({
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
