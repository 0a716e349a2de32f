import { setMaxListeners } from "node:events";
import { PangeaConfig, PangeaErrors, VaultService } from "pangea-node-sdk";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import {
  defaultEmulatorClientId,
  defaultEmulatorClientSecret,
  type FaultInjection,
  type PangeaEmulatorOptions,
  startPangeaEmulator,
} from "../../src/emulator.ts";
import { ConfigurationError } from "../../src/errors.ts";
import { refusal, refusalOf, START, startVault, TOKEN } from "./emulated-vault.ts";

async function start(options?: PangeaEmulatorOptions) {
  const emulator = await startPangeaEmulator(options);
  onTestFinished(() => emulator.close());
  return emulator;
}

describe("service tokens", () => {
  it.each(["pts_emulatoremulatoremulatoremulator", "pts_demo"])("of the right form are accepted: %s", async (token) => {
    const { post } = await startVault();
    expect((await post("vault/v2/list", {}, { token })).httpStatus).toBe(200);
  });

  it.each(["", "demo", "pts_", "pts_DEMO", "pts_demo1", "ptu_demo", `pts_${"a".repeat(65)}`])(
    "of another form are not: %j",
    async (token) => {
      const { emulator, post } = await startVault();
      const reply = await post("vault/v2/secret/store", { secret: "x" }, { token });
      expect(reply.httpStatus).toBe(401);
      expect(JSON.parse(reply.text)).toMatchObject({
        status: "Unauthorized",
        summary: expect.any(String),
        result: {},
      });
      expect(emulator.vault.items()).toEqual([]);
    },
  );

  it("are those of the list, where there is one", async () => {
    const { emulator, post } = await startVault({ tokens: [TOKEN] });
    expect((await post("vault/v2/list", {})).httpStatus).toBe(200);
    const stranger = new VaultService("pts_demo", new PangeaConfig({ baseUrlTemplate: emulator.baseUrlTemplate }));
    await expect(stranger.list({})).rejects.toThrow(PangeaErrors.UnauthorizedError);
  });
});

describe("the envelope", () => {
  it("carries the request's id, also as a header, and the times of the emulator's clock", async () => {
    const { post } = await startVault();
    const { headers, text } = await post("vault/v2/list", {});
    expect(JSON.parse(text)).toEqual({
      request_id: expect.stringMatching(/^prq_[a-z2-7]{32}$/),
      request_time: new Date(START).toISOString(),
      response_time: new Date(START).toISOString(),
      status: "Success",
      summary: "Found 0 items",
      result: { items: [] },
    });
    expect(headers.get("X-Request-Id")).toBe(JSON.parse(text).request_id);
  });
});

describe("a request for what is not there", () => {
  it("gets an envelope that says so", async () => {
    const { emulator, post } = await startVault();
    expect(refusalOf(await post("vault/v2/key/generate", {})).status).toBe("NotFound");
    expect(refusalOf(await post("redact/v1/redact", {})).status).toBe("NotFound");
    const response = await fetch(`${emulator.url}/vault/v2/list`, { headers: { Authorization: `Bearer ${TOKEN}` } });
    expect([response.status, await response.json()]).toMatchObject([405, { status: "MethodNotAllowed" }]);
  });
});

describe("vault inspection", () => {
  it("shows what is stored, without secrets, and is neither counted nor subject to faults", async () => {
    const { emulator, store, vault } = await startVault();
    const id = await store("token", { folder: "apps" });
    await vault.secretRotate({ id, secret: "second" });
    emulator.calls.reset();
    emulator.faults.inject({ kind: "server-error" });
    expect(emulator.vault.items()).toEqual([
      { id, type: "secret", folder: "/apps/", name: "token", metadata: {}, versions: 2, createdAt: START },
    ]);
    emulator.vault.clear();
    expect(emulator.vault.items({ folders: true })).toEqual([]);
    expect(emulator.calls.total()).toBe(0);
  });

  it("leaves a cleared vault usable", async () => {
    const { emulator, store, vault } = await startVault();
    const id = await store("token", { folder: "apps" });
    emulator.vault.clear();
    expect((await refusal(vault.getItem({ id }))).status).toBe("VaultItemNotFound");
    await store("token", { folder: "apps" });
    expect((await vault.getBulk({ filter: { name: "token", folder: "apps" } })).result.items).toHaveLength(1);
  });
});

describe("starting", () => {
  it("says which port is taken", async () => {
    const { emulator } = await startVault();
    const port = Number(new URL(emulator.url).port);
    const second = startPangeaEmulator({ authn: false, port });
    await expect(second).rejects.toThrow(ConfigurationError);
    await expect(second).rejects.toThrow(String(port));
  });

  it("refuses faults that are none before it listens", async () => {
    const started = startPangeaEmulator({ authn: false, faults: [{ kind: "latency", milliseconds: -1 }] });
    await expect(started).rejects.toThrow(ConfigurationError);
  });
});

describe("closing", () => {
  it("stops listening and cuts idle connections, however often it is called", async () => {
    const { emulator, post } = await startVault();
    await post("vault/v2/list", {});
    await Promise.all([emulator.close(), emulator[Symbol.asyncDispose]()]);
    await emulator.close();
    await expect(post("vault/v2/list", {})).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
  });

  it("does not wait for latency to pass", async () => {
    const { emulator, post } = await startVault({ faults: [{ kind: "latency", milliseconds: 600_000 }] });
    const gate = emulator.faults.hold();
    const waiting = post("vault/v2/list", {}).catch((error: unknown) => error);
    await expect.poll(() => emulator.calls.total()).toBe(1);
    await emulator.close();
    gate.open();
    expect(await waiting).toBeInstanceOf(TypeError);
  });
});

describe("AuthN, on the same port", () => {
  const METADATA = ".well-known/oauth-authorization-server";
  const TOKEN_ENDPOINT = "v2/oauth/token";

  it("is an OAuth server whose issuer is the emulator's URL", async () => {
    const emulator = await start();
    const response = await fetch(`${emulator.issuerUrl}/${METADATA}`);
    expect(await response.json()).toMatchObject({
      issuer: emulator.url,
      token_endpoint: `${emulator.url}/${TOKEN_ENDPOINT}`,
    });
    expect(emulator.calls.snapshot()).toEqual({ [METADATA]: 1 });
    expect([emulator.calls.total("authn"), emulator.calls.total("vault")]).toEqual([1, 0]);
    expect(emulator.calls.recent()).toMatchObject([{ service: "authn", httpStatus: 200 }]);
  });

  it("has the users and clients that it is given", async () => {
    const emulator = await start({ users: [{ username: "grace@example.com" }] });
    expect(emulator.authn.userId("grace@example.com")).toMatch(/^pui_[a-z2-7]{32}$/);
  });

  it("checks service tokens as Vault does", async () => {
    const emulator = await start({ tokens: [TOKEN] });
    const check = (token: string) =>
      fetch(`${emulator.url}/authn/v2/client/token/check`, {
        method: "POST",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        body: JSON.stringify({ token: "ptu_unknown" }),
      });
    expect(await (await check("pts_demo")).json()).toMatchObject({ status: "Unauthorized" });
    expect(await (await check(TOKEN)).json()).not.toMatchObject({ status: "Unauthorized" });
  });

  it("counts a login page once, whatever the id in its path", async () => {
    const emulator = await start();
    for (const id of ["Ab3_uRYqWZ0mFQbOeKJdT", "q1w2e3r4t5y6u7i8o9p0A"])
      await fetch(`${emulator.url}/v2/oauth/login/${id}`);
    expect(emulator.calls.snapshot()).toEqual({ "v2/oauth/login/{id}": 2 });
  });

  it("fails as faults say", async () => {
    const emulator = await start();
    const fetchMetadata = () => fetch(`${emulator.url}/${METADATA}`);
    emulator.faults.inject({ kind: "too-many-requests", retryAfterSeconds: 3, on: METADATA, times: 1 });
    emulator.faults.inject({ kind: "html", on: "authn", times: 1 });
    emulator.faults.inject({ kind: "connection-reset", on: "authn", times: 1 });
    expect((await fetchMetadata()).headers.get("Retry-After")).toBe("3");
    expect(await (await fetchMetadata()).text()).toMatch(/^<!doctype html>/);
    await expect(fetchMetadata()).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
    expect((await fetchMetadata()).status).toBe(200);
  });

  it.each(["server-error", "connection-reset", "html"] as const)(
    "can carry a request out and spoil its reply with %s",
    async (kind) => {
      const emulator = await start();
      const call = (endpoint: string, form: Record<string, string>) =>
        fetch(`${emulator.url}/v2/oauth/${endpoint}`, {
          method: "POST",
          headers: {
            Authorization: `Basic ${btoa(`${defaultEmulatorClientId}:${defaultEmulatorClientSecret}`)}`,
          },
          body: new URLSearchParams(form),
        });
      const issued = await (await call("token", { grant_type: "client_credentials" })).json();
      const { access_token: token } = z.object({ access_token: z.string() }).parse(issued);
      const isActive = async () => {
        const introspected = await (await call("token/introspect", { token })).json();
        return z.object({ active: z.boolean() }).parse(introspected).active;
      };
      expect(await isActive()).toBe(true);
      emulator.faults.inject({ kind, committed: true, on: "v2/oauth/token/revoke", times: 1 });
      const revoked = await call("token/revoke", { token }).then(
        ({ status }) => status,
        () => "no reply",
      );
      expect(revoked).toBe({ "server-error": 503, "connection-reset": "no reply", html: 502 }[kind]);
      expect(await isActive()).toBe(false);
    },
  );

  it("can hold a request, and the reply to one, without changing it", async () => {
    const emulator = await start();
    const plain = await (await fetch(`${emulator.url}/${METADATA}`)).json();
    for (const committed of [false, true]) {
      const gate = emulator.faults.hold(METADATA, { committed });
      const held = fetch(`${emulator.url}/${METADATA}`);
      await gate.arrived(1);
      gate.open();
      const response = await held;
      expect([response.status, await response.json()]).toEqual([200, plain]);
    }
  });

  it("is off, and says so, where asked", async () => {
    const emulator = await start({ authn: false });
    expect((await fetch(`${emulator.url}/${METADATA}`)).status).toBe(404);
    expect(() => emulator.authn).toThrow(ConfigurationError);
  });
});

it.each<[string, (faults: FaultInjection) => unknown]>([
  ["are delayed", (faults) => faults.inject({ kind: "latency", milliseconds: 50 })],
  [
    "are delayed after they were carried out",
    (faults) => faults.inject({ kind: "latency", milliseconds: 50, committed: true }),
  ],
  [
    "wait at a gate",
    (faults) => {
      const gate = faults.hold();
      return gate.arrived(40).then(() => gate.open());
    },
  ],
])("many requests that %s at the same time are no leak, and print nothing", async (_, hinder) => {
  // Node 20 warns of more than ten listeners on a signal; later versions do not unless told to.
  class SparingController extends AbortController {
    constructor() {
      super();
      setMaxListeners(10, this.signal);
    }
  }
  vi.stubGlobal("AbortController", SparingController);
  onTestFinished(() => void vi.unstubAllGlobals());
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  onTestFinished(() => void process.off("warning", onWarning));
  const { emulator, post } = await startVault();
  void hinder(emulator.faults);
  await Promise.all(Array.from({ length: 40 }, () => post("vault/v2/list", {})));
  // A warning is emitted in a later turn.
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);
});
