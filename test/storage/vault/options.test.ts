import { afterEach, describe, expect, test, vi } from "vitest";
import { toVaultService } from "../../../src/storage/vault/connect.ts";
import { readVaultOptions } from "../../../src/storage/vault/options.ts";
import { PangeaVaultRepository } from "../../../src/vault.ts";
import { textCodec } from "../../support/text-codec.ts";

const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("the options of a repository in Vault", () => {
  test.each([
    { folder: "" },
    { folder: "*a" },
    { folder: "a*" },
    { folder: " a" },
    { folder: "a " },
    { folder: "a\n" },
    { folder: true as never },
    { folder: null as never },
    { namespace: "" },
    { namespace: "A" },
    { namespace: "a/b" },
    { namespace: "a".repeat(41) },
    { namespace: 1 as never },
    { namespace: "a", folder: false as const },
    { kind: "" },
    { kind: "Aa" },
    { kind: "aA" },
    { kind: "1a" },
    { kind: "a".repeat(65) },
    { maxKnownIds: 0 },
    { maxKnownIds: 1.5 },
    { maxKnownIds: 2 ** 24 + 1 },
    { timeout: 0 },
    { baseUrlTemplate: 1 as never },
    { domain: 1 as never },
    { takeOver: "yes" as never },
    { strictTake: 1 as never },
  ])("refuse %j", (options) => {
    expect(() => readVaultOptions(options)).toThrow(refusal);
  });

  test.each([
    { folder: "/a Folder_of.the-team/9" },
    { kind: "a" },
    { kind: "access_token-2" },
    { kind: `a${"b".repeat(63)}` },
    { maxKnownIds: 1 },
    { maxKnownIds: 2 ** 24 },
    { timeout: 50 },
    { takeOver: true },
    { strictTake: false },
  ])("take %j", (options) => {
    expect(readVaultOptions(options)).toMatchObject(options);
  });

  test.each([
    { baseUrlTemplate: "https://{SERVICE_NAME}.example" },
    { domain: "aws.eu.pangea.cloud" },
    { indexes: { name: () => "ada" } },
  ])("leave %j to others", (options) => {
    expect(readVaultOptions(options)).toEqual({ ...readVaultOptions({}), delay: expect.any(Function) });
  });

  test("have defaults", () => {
    expect(readVaultOptions({})).toMatchObject({
      folder: "/pangea-authn-fastmcp",
      kind: undefined,
      takeOver: false,
      strictTake: true,
      timeout: 10_000,
      maxKnownIds: 10_000,
      clock: Date.now,
      random: Math.random,
    });
  });

  test("have one spelling of a folder", () => {
    for (const folder of ["a/b", "/a/b", "/a//b/"]) expect(readVaultOptions({ folder }).folder).toBe("/a/b");
  });

  test("make one folder of a folder and a namespace", () => {
    expect(readVaultOptions({ namespace: "one" }).folder).toBe("/pangea-authn-fastmcp/one");
    expect(readVaultOptions({ folder: "a/b/", namespace: "one" }).folder).toBe("/a/b/one");
    expect(readVaultOptions({ folder: false }).folder).toBeUndefined();
    expect(readVaultOptions({ folder: "/" }).folder).toBe("/");
  });

  test("wait by a timer where nothing else is given", async () => {
    vi.useFakeTimers();
    const waited = vi.fn();
    void readVaultOptions({}).delay(100).then(waited);
    await vi.advanceTimersByTimeAsync(99);
    expect(waited).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(waited).toHaveBeenCalled();
  });
});

describe("the connection to Vault", () => {
  test.each([
    ["an empty token", "", {}],
    ["a blank token", " ", {}],
    ["a base URL without the name of the service", "pts_a", { baseUrlTemplate: "https://vault.example" }],
    ["a base URL of another protocol", "pts_a", { baseUrlTemplate: "ftp://{SERVICE_NAME}.example" }],
    [
      "a base URL and a domain",
      "pts_a",
      { baseUrlTemplate: "https://{SERVICE_NAME}.example", domain: "aws.eu.pangea.cloud" },
    ],
    ["a base URL with something before it", "pts_a", { baseUrlTemplate: "see https://{SERVICE_NAME}.example" }],
  ])("is not made of %s", (_, token, options) => {
    expect(() => toVaultService(token, options)).toThrow(refusal);
  });

  test("is not made without a token, as JavaScript may give it", () => {
    expect(() => Reflect.construct(PangeaVaultRepository, [textCodec, undefined])).toThrow(refusal);
  });

  test.each([
    ["the default region", {}, "https://vault.aws.us.pangea.cloud/"],
    ["the region of a domain", { domain: "aws.eu.pangea.cloud" }, "https://vault.aws.eu.pangea.cloud/"],
    ["a base URL", { baseUrlTemplate: "http://{SERVICE_NAME}.example" }, "http://vault.example/"],
  ])("leads to %s", async (_, options, base) => {
    const fetched = vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("The test has no network."));
    await toVaultService("pts_a", options)
      .getItem({ id: "pvi_a" })
      .catch(() => undefined);
    expect(String(fetched.mock.calls[0]?.[0])).toMatch(new RegExp(`^${base}`));
  });
});
