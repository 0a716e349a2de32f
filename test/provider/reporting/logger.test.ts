import { afterEach, describe, expect, it, vi } from "vitest";
import { StorageUnauthorizedError, StorageUnavailableError } from "../../../src/errors.ts";
import { type Logger, PangeaOAuthProvider } from "../../../src/index.ts";
import { FailingRepositories } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, providerOptions } from "../../support/provider-harness.ts";

/** A logger that keeps what it is told, by level. */
function recordingLogger(others: object = {}) {
  const lines: [level: string, ...data: unknown[]][] = [];
  const write =
    (level: string) =>
    (...data: unknown[]) =>
      void lines.push([level, ...data]);
  const logger: Logger = {
    ...others,
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
  return { logger, lines };
}

function harnessWith(logger: Logger | false | undefined) {
  const clock = new ManualClock();
  const store = new FailingRepositories();
  const { logger: _, ...options } = providerOptions("https://login.example");
  const provider = new PangeaOAuthProvider({
    ...options,
    clock: clock.read,
    repositories: store.repositories,
    ...(logger !== undefined && { logger }),
  });
  return { clock, store, harness: new ClientHarness(provider, "http://localhost:8000") };
}

function throwIt(thrown: unknown): never {
  throw thrown;
}

const registration = { redirect_uris: ["http://127.0.0.1:4999/callback"] };

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the logger of a provider", () => {
  it("is told of an outage once a minute, with the number of those in between", async () => {
    const { logger, lines } = recordingLogger();
    const { clock, store, harness } = harnessWith(logger);
    await harness.postJson("/register", registration);
    store.fail();
    for (let times = 0; times < 5; times += 1) await harness.postJson("/register", registration);
    expect(lines).toHaveLength(1);
    const [[level, text, details] = ["", ""]] = lines;
    expect(level).toBe("error");
    expect(text).toMatch(/^pangea-authn-fastmcp: .*docs\/troubleshooting\.md#err_storage_unavailable$/);
    expect(details).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", reference: expect.any(String) });

    clock.advanceSeconds(59.9);
    await harness.postJson("/register", registration);
    expect(lines).toHaveLength(1);
    clock.advanceSeconds(0.1);
    await harness.postJson("/register", registration);
    expect(lines[1]).toEqual(["error", expect.stringContaining("5 more"), expect.objectContaining({ suppressed: 5 })]);
    clock.advanceSeconds(60);
    await harness.postJson("/register", registration);
    expect(lines[2]?.[1]).not.toContain("more of this kind");
  });

  it("is told again where the clock was set back", async () => {
    const { logger, lines } = recordingLogger();
    const { clock, store, harness } = harnessWith(logger);
    store.fail();
    await harness.postJson("/register", registration);
    clock.advanceSeconds(-7200);
    await harness.postJson("/register", registration);
    expect(lines).toHaveLength(2);
  });

  it("is told of each kind by itself", async () => {
    const { logger, lines } = recordingLogger();
    const { store, harness } = harnessWith(logger);
    for (const Failure of [StorageUnavailableError, StorageUnauthorizedError, StorageUnavailableError]) {
      store.failWith(() => new Failure("The test refuses."));
      await harness.postJson("/register", registration);
    }
    const codes = lines.map(([, text]) => /ERR_\w+/.exec(String(text))?.[0]);
    expect(codes).toEqual(["ERR_STORAGE_UNAVAILABLE", "ERR_STORAGE_UNAUTHORIZED"]);
  });

  it("gives the reference that the caller reads", async () => {
    const { logger, lines } = recordingLogger();
    const { store, harness } = harnessWith(logger);
    await harness.postJson("/register", registration);
    store.fail();
    const answer = await (await harness.postJson("/register", registration)).text();
    const reference = /Reference: ([\w-]{8})\./.exec(answer)?.[1] ?? "none";
    expect(String(lines[0]?.[1])).toContain(reference);
  });

  it.each([
    ["console", {}, ["text", "details"]],
    ["winston", { log: () => {}, child: () => {}, transports: [], level: "info" }, ["text", "details"]],
    ["pino", { child: () => {}, bindings: () => ({}), level: "info" }, ["details", "text"]],
    ["bunyan", { child: () => {}, addStream: () => {}, fields: {} }, ["details", "text"]],
  ])("is called as %s wants to be called", async (_, others, order) => {
    const { logger, lines } = recordingLogger(others);
    const { store, harness } = harnessWith(logger);
    store.fail();
    await harness.postJson("/register", registration);
    const [[, ...data] = [""]] = lines;
    expect(data.map((each) => (typeof each === "string" ? "text" : "details"))).toEqual(order);
  });

  it("is console by default, which is not told of the refusals of single requests", async () => {
    const spies = (["debug", "info", "warn", "error"] as const).map((level) => vi.spyOn(console, level));
    for (const spy of spies) spy.mockImplementation(() => {});
    const { store, harness } = harnessWith(undefined);
    await harness.postForm("/token", {});
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0, 0]);
    store.fail();
    await harness.postJson("/register", registration);
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0, 1]);
  });

  it("is none where it is false", async () => {
    const spies = (["debug", "info", "warn", "error"] as const).map((level) => vi.spyOn(console, level));
    for (const spy of spies) spy.mockImplementation(() => {});
    const { store, harness } = harnessWith(false);
    store.fail();
    await harness.postJson("/register", registration);
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0, 0]);
  });

  it.each<readonly [string, () => void]>([
    [
      "throws",
      () => {
        throw new Error("The disk is full.");
      },
    ],
    ["throws what is no error", () => throwIt(undefined)],
    ["throws what nobody can look at", () => throwIt(new Proxy({}, { getPrototypeOf: () => throwIt("a trap") }))],
    ["is async, and rejects", () => Promise.reject(new Error("The disk is full."))],
    ["is async, and rejects with no error", () => Promise.reject(undefined)],
  ])("harms no request, and no process, when it %s", async (_, throwing) => {
    const warned = new Promise((resolve) => process.once("warning", resolve));
    const { store, harness } = harnessWith({ debug: throwing, info: throwing, warn: throwing, error: throwing });
    store.fail();
    expect((await harness.postJson("/register", registration)).status).toBe(503);
    expect(await warned).toMatchObject({ code: "PANGEA_LOGGER" });
  });

  it.each([["a text"], [true], [null], [{}], [{ warn: () => {} }], [{ ...console, error: "no function" }]])(
    "may not be %j",
    (logger) => {
      const options = { ...providerOptions("https://login.example"), logger: JSON.parse(JSON.stringify(logger)) };
      expect(() => new PangeaOAuthProvider(options)).toThrow(
        expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringContaining("logger") }),
      );
    },
  );
});
