import { afterEach, describe, expect, test, vi } from "vitest";
import { requireSdkBeside, toVaultService } from "../../../src/storage/vault/connect.ts";
import type { VaultReply, VaultServiceLike } from "../../../src/storage/vault/vault-service.ts";
import { VaultInMemory } from "../../support/vault-in-memory.ts";

const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });

afterEach(() => {
  vi.restoreAllMocks();
});

test.each(["pts", "pts_", "xpts_a", " pts_a", "pts_a ", "pts_a b", "pts_a\nb", "Bearer pts_a", "pti_a", "pts_…"])(
  "%j is no Vault token",
  (token) => {
    expect(() => toVaultService(token, {})).toThrow(refusal);
  },
);

test.each([
  "aws.eu.pangea.cloud",
  "localhost",
  "localhost:8080",
  "pangea-1.example_2",
  "my.vault.example",
  "myvault.example",
])("the domain may be %s", (domain) => {
  expect(() => toVaultService("pts_a1", { domain })).not.toThrow();
});

test.each([
  "",
  "https://aws.eu.pangea.cloud",
  "aws.eu.pangea.cloud/",
  "aws eu",
  "localhost:",
  "localhost:a",
  "localhost:8080a",
  "console.aws.eu.pangea.cloud",
  "vault.aws.eu.pangea.cloud",
  "authn.aws.eu.pangea.cloud",
  1,
])("the domain may not be %j", (domain) => {
  expect(() => Reflect.apply(toVaultService, undefined, ["pts_a", { domain }])).toThrow(refusal);
});

test.each(["http://{SERVICE_NAME}.example", "https://{SERVICE_NAME}.example", "https://example/{SERVICE_NAME}/v1"])(
  "the base URL may be %s",
  (baseUrlTemplate) => {
    expect(() => toVaultService("pts_a", { baseUrlTemplate })).not.toThrow();
  },
);

test("the base URL may not have white space around it", () => {
  expect(() => toVaultService("pts_a", { baseUrlTemplate: "https://{SERVICE_NAME}.example " })).toThrow(refusal);
});

describe("a package that is not installed", () => {
  const missing = (name: string) =>
    Object.assign(new Error(`Cannot find package '${name}' imported from here`), { code: "ERR_MODULE_NOT_FOUND" });
  const look = (url: string, failure?: Error) => {
    const asked: string[] = [];
    requireSdkBeside({
      url,
      resolve: (name) => {
        asked.push(name);
        if (failure !== undefined) throw failure;
        return name;
      },
    });
    return asked;
  };
  const installed = "file:///app/node_modules/pangea-authn-fastmcp/dist/vault.js";

  test("is noticed beside a copy of this one that npm has installed", () => {
    expect(look(installed)).toEqual(["pangea-node-sdk"]);
    expect(() => look(installed, missing("pangea-node-sdk"))).toThrow(refusal);
  });

  test("is not looked for beside a bundle, which has it within", () => {
    expect(look("file:///app/bundle.js", missing("pangea-node-sdk"))).toEqual([]);
  });
});

describe("a service", () => {
  const methods = ["secretStore", "secretRotate", "getItem", "getBulk", "delete"] as const;

  test("that is given is used as it is, whether it can change metadata or not", () => {
    const vault = new VaultInMemory();
    expect(toVaultService(vault, {})).toBe(vault);
    const withoutUpdate = Object.assign(new VaultInMemory(), { update: undefined });
    expect(toVaultService(withoutUpdate, {})).toBe(withoutUpdate);
  });

  test.each(methods)("is none without %s", (method) => {
    const vault = Object.assign(new VaultInMemory(), { [method]: undefined });
    expect(() => toVaultService(vault, {})).toThrow(refusal);
  });

  test.each([null, undefined, 1, {}])("is none that is %j", (given) => {
    expect(() => Reflect.apply(toVaultService, undefined, [given, {}])).toThrow(refusal);
  });
});

describe("the service of a token", () => {
  const calls: readonly [string, (service: VaultServiceLike) => Promise<VaultReply> | undefined, string, object][] = [
    [
      "secretStore",
      (service) => service.secretStore({ type: "secret", name: "a", secret: "text" }),
      "/v2/secret/store",
      { type: "secret", name: "a", secret: "text" },
    ],
    [
      "secretRotate",
      (service) => service.secretRotate({ id: "pvi_a", secret: "text", rotation_state: "suspended" }),
      "/v2/secret/rotate",
      { id: "pvi_a", secret: "text", rotation_state: "suspended" },
    ],
    [
      "getItem",
      (service) => service.getItem({ id: "pvi_a", version: "all" }),
      "/v2/get",
      { id: "pvi_a", version: "all" },
    ],
    ["getBulk", (service) => service.getBulk({ size: 2 }), "/v2/get_bulk", { size: 2 }],
    ["delete", (service) => service.delete("pvi_a"), "/v2/delete", { id: "pvi_a" }],
    [
      "update",
      (service) => service.update?.({ id: "pvi_a", metadata: { kind: "login" } }),
      "/v2/update",
      { id: "pvi_a", metadata: { kind: "login" } },
    ],
  ];

  test.each(calls)("passes %s on, and answers what Vault does", async (_, call, path, body) => {
    const answer = { request_id: "prq_a", status: "Success", summary: "", result: { id: "pvi_b" } };
    const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json(answer));
    const service = toVaultService("pts_a", { domain: "vaults.example" });
    for (const _time of ["first", "second"]) expect((await call(service))?.result).toEqual({ id: "pvi_b" });
    for (const [url, init] of fetched.mock.calls) {
      expect(new URL(String(url)).href).toBe(`https://vault.vaults.example${path}`);
      expect(JSON.parse(String(init?.body))).toMatchObject(body);
      expect(new Headers(init?.headers).get("authorization")).toBe("Bearer pts_a");
    }
    expect(fetched).toHaveBeenCalledTimes(2);
  });
});
