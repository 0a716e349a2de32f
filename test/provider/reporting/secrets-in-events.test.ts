import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StorageUnavailableError, UpstreamRejectedError, UpstreamUnavailableError } from "../../../src/errors.ts";
import { createInMemoryRepositories, type ProviderRepositories, providerEventChannels } from "../../../src/index.ts";
import { describeFailure, framesOf } from "../../../src/provider/reporting/failure-description.ts";
import { FailingRepositories, intercepted, interceptedRepositories } from "../../support/intercepted-repository.ts";
import { ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();
/** Stands for whatever must not be told. */
const canary = "canary-7f3a";

const told: unknown[] = [];
const lines: unknown[] = [];
const listen = (event: unknown) => void told.push(event);
const write = (...data: unknown[]) => void lines.push(data);
const logger = { debug: write, info: write, warn: write, error: write };
beforeEach(() => {
  told.length = 0;
  lines.length = 0;
  for (const name of providerEventChannels) subscribe(name, listen);
});
afterEach(() => {
  for (const name of providerEventChannels) unsubscribe(name, listen);
});
const start = (repositories: ProviderRepositories) =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories, logger });

/** What looks like a line of a stack, and stands in a message. */
const frame = `    at ${canary} (file.ts:1:1)`;

function withMembers(error: Error, members: object): Error {
  // A stack is written when somebody reads it first, with the message that the error has by then.
  void error.stack;
  return Object.assign(error, members);
}

function throwIt(thrown: unknown): never {
  throw thrown;
}

const throws = () => throwIt(new Error(canary));

/** Something that nobody can look at: whatever is asked of it throws. */
function opaque(): object {
  return new Proxy({}, { get: throws, has: throws, getPrototypeOf: throws, ownKeys: throws });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** An error of whatever class whose members throw when they are read. */
function guarded<E extends Error>(error: E): E {
  for (const name of ["name", "message", "stack", "code", "cause", "errors", "syscall"]) {
    Object.defineProperty(error, name, { get: throws });
  }
  return error;
}

/** What somebody's backend or library may throw, with what must not be told in every place of it. */
const faults: readonly (readonly [name: string, fault: unknown])[] = [
  ["an Error", new Error(canary)],
  ["a TypeError", new TypeError(`cannot read ${canary}`)],
  ["an Error with a frame in its message", new Error(`x\n${frame}`)],
  [
    "an Error whose message was replaced",
    withMembers(new Error(`${canary}\n${frame}`), { message: "another one, longer" }),
  ],
  ["an Error whose message was cut", withMembers(new Error(`x ${canary}\n${frame}`), { message: "x" })],
  ["an Error whose message was emptied", withMembers(new Error(`x\n${frame}`), { message: "" })],
  ["an Error whose stack begins with another text", withMembers(new Error("x"), { stack: `a\n${frame}\nx\n${frame}` })],
  ["an object with frames", { stack: frame }],
  [
    "an Error with members",
    withMembers(new Error("x"), { code: canary, syscall: canary, address: canary, key: canary }),
  ],
  ["an Error with a name", withMembers(new Error("x"), { name: canary })],
  [
    "an Error with a host",
    withMembers(new Error("x"), { hostname: `${canary}_`, port: canary, command: { args: [canary] } }),
  ],
  ["a cause", new StorageUnavailableError("Out.", { cause: new Error(canary) })],
  ["a cause of a cause", new StorageUnavailableError("Out.", { cause: new Error("x", { cause: canary }) })],
  ["an AggregateError", new AggregateError([new Error(canary), canary], canary)],
  ["a reply of Redis", withMembers(new Error(`WRONGPASS ${canary}`), { name: "ReplyError" })],
  ["a URL with a password", new StorageUnavailableError(`redis://user:${canary}@host is out.`)],
  ["a URL with a password that has an @", new StorageUnavailableError(`redis://user:p@${canary}@host is out.`)],
  ["a URL with a token for a user", new StorageUnavailableError(`https://${canary}@host/path is out.`)],
  ["a query with a token", new StorageUnavailableError(`https://host/?a=b&access_token=${canary}&c=d is out.`)],
  ["a query with a code", new StorageUnavailableError(`https://host/callback?code=${canary} is out.`)],
  ["the settings of a connection", new StorageUnavailableError(`host=db user=ada password=${canary} is out.`)],
  ["the form of a client", new StorageUnavailableError(`client_secret=${canary};client_assertion=${canary}`)],
  ["a token in a message of one's own", new StorageUnavailableError(`pck_${canary}aaaaaaaaaaaaaaaaaaaa is refused.`)],
  ["a header in a message of one's own", new StorageUnavailableError(`Authorization: Bearer ${canary}xxxx`)],
  ["a text", canary],
  ["a symbol", Symbol(canary)],
  ["a function", () => canary],
  ["a bigint", 7n],
  ["a frozen Error", Object.freeze(new Error(canary))],
  ["a frozen object", Object.freeze({ message: canary, cause: Object.freeze({ message: canary }) })],
  ["an Error whose members throw", guarded(new Error("x"))],
  ["an AggregateError whose members throw", guarded(new AggregateError([], "x"))],
  ["an AggregateError without a list", withMembers(new AggregateError([], canary), { errors: canary })],
  ["an Error with members that are no texts", withMembers(new Error("x"), { name: 7, message: { canary } })],
  ["a Proxy of which nothing can be asked", opaque()],
  ["a Proxy that was revoked", revoked()],
  ["such a Proxy as a cause", new StorageUnavailableError("Out.", { cause: revoked() })],
  ["an outage that asks for no time", new StorageUnavailableError("Out.", { retryAfterSeconds: Number.NaN })],
  ["an outage that asks for ever", new StorageUnavailableError("Out.", { retryAfterSeconds: Infinity })],
  ["an outage that asks for the past", new StorageUnavailableError("Out.", { retryAfterSeconds: -5 })],
  ["an object", { message: canary, code: canary, stack: `    at ${canary}` }],
  ["null", null],
  ["undefined", undefined],
  [
    "a Proxy that throws",
    new Proxy(
      {},
      {
        get: () => {
          throw new Error(canary);
        },
      },
    ),
  ],
];

describe("no event and no line of the log", () => {
  it.each(faults)("tells what a store throws: %s", async (_, fault) => {
    const store = new FailingRepositories();
    const harness = start(store.repositories);
    const tokens = await harness.tokens();
    store.failWith(() => fault);
    const { client_id } = { client_id: tokens.clientId };
    const answers = [
      await harness.get(harness.authorizePath({ client_id, code_challenge: pkce().challenge })),
      await harness.refresh(tokens),
      await harness.postForm("/revoke", { client_id, token: tokens.access_token }),
      await harness.postJson("/register", { redirect_uris: [harness.redirectUri] }),
    ];
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    await harness.mcpStatus(tokens.access_token);
    expect(answers.every(({ status }) => status >= 500)).toBe(true);
    for (const { headers } of answers) expect(headers.get("retry-after") ?? "5").toMatch(/^\d{1,4}$/);
    const events = JSON.stringify(told);
    expect(events).toContain('"failure"');
    for (const text of [...texts, events, JSON.stringify(lines)]) expect(text).not.toContain(canary);
    // Whoever was answered can name the event.
    for (const text of texts) expect(events).toContain(/Reference: ([\w-]{8})\./.exec(text)?.[1] ?? "no reference");
  });

  it.each(faults)("tells what fails beside a request, and the request goes on: %s", async (_, fault) => {
    const repositories = createInMemoryRepositories();
    const harness = start({
      ...repositories,
      grantUses: intercepted(repositories.grantUses, async () => throwIt(fault)),
    });
    const tokens = await harness.tokens();
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    await harness.provider[Symbol.asyncDispose]();
    expect(JSON.stringify(told)).toMatch(/"reference":"[0-9a-f]{8}"/);
    expect(JSON.stringify([told, lines])).not.toContain(canary);
  });

  it("tells what the records hold, whichever of them is read or written while the store fails", async () => {
    let failing: string | undefined;
    const kinds = new Set<string>();
    const inner = interceptedRepositories(async (run, { method, key, value }) => {
      kinds.add(method);
      if (failing === method) throw new Error(`${canary} ${key} ${JSON.stringify(value)}`);
      return run();
    });
    const harness = start(inner);
    for (const method of ["get", "set", "add", "delete", "take"]) {
      failing = undefined;
      const tokens = await harness.tokens();
      failing = method;
      const code = { grant_type: "authorization_code", client_id: tokens.clientId, code: tokens.code };
      await harness.postForm("/token", { ...code, code_verifier: tokens.verifier });
      await harness.refresh(tokens);
      await harness.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token });
      await harness.mcpStatus(tokens.access_token);
      for (const secret of [canary, tokens.code, tokens.access_token, tokens.refresh_token, tokens.verifier]) {
        expect(JSON.stringify([told, lines])).not.toContain(secret);
      }
    }
    expect([...kinds].sort()).toEqual(expect.arrayContaining(["add", "get", "set"]));
    expect(JSON.stringify([told, lines])).not.toMatch(/pmcp_|pt[ur]_|pck_/);
  });
});

it("a member that throws at once where a repository should be is told of, with a reference, at every endpoint", async () => {
  const methods = ["get", "set", "add", "delete", "take"];
  const broken = Object.fromEntries(
    methods.map((method) => [
      method,
      () => {
        throw new TypeError(canary);
      },
    ]),
  );
  const inMemory = createInMemoryRepositories();
  for (const kind of Object.keys(inMemory)) {
    told.length = 0;
    const harness = start(Object.assign({ ...inMemory }, { [kind]: broken }));
    const form = { grant_type: "authorization_code", client_id: "a", code: "b", code_verifier: "c" };
    const answers = [
      await harness.get(harness.authorizePath({ client_id: "a", code_challenge: pkce().challenge })),
      await harness.postJson("/register", { redirect_uris: [harness.redirectUri] }),
      await harness.postForm("/token", form),
    ];
    for (const answer of answers.filter(({ status }) => status >= 500)) {
      const reference = /Reference: ([\w-]{8})\./.exec(await answer.text())?.[1] ?? "no reference";
      expect(JSON.stringify(told)).toContain(reference);
    }
    expect(JSON.stringify([told, lines])).not.toContain(canary);
  }
});

it("the trace of a failure has the frames of the stack, whatever the message is", () => {
  for (const failure of [new Error(""), new Error("x"), new TypeError(`a\n${frame}\nb`), new AggregateError([], "x")]) {
    expect(framesOf(failure)).toMatch(/^ {4}at .*secrets-in-events\.test\.ts:\d+:\d+\)?$/m);
    expect(framesOf(failure)).not.toContain(canary);
  }
});

describe("the description of a failure", () => {
  it("has the message and the code of an error of this package, and its chain of causes", () => {
    const socket = withMembers(new Error("connect ECONNREFUSED 127.0.0.1:6379"), {
      code: "ECONNREFUSED",
      syscall: "connect",
      address: "127.0.0.1",
      port: 6379,
    });
    const failure = new StorageUnavailableError("Redis cannot be reached.", { cause: new AggregateError([socket]) });
    expect(describeFailure(failure)).toEqual({
      code: "ERR_STORAGE_UNAVAILABLE",
      message: "Redis cannot be reached.",
      causes: [{ code: "ECONNREFUSED", message: "Error: connect ECONNREFUSED at 127.0.0.1:6379." }],
    });
  });

  it.each([
    ["a reply of Redis", withMembers(new Error("NOAUTH Authentication required."), { name: "ReplyError" }), "NOAUTH"],
    ["a certificate", withMembers(new Error("x"), { code: "CERT_HAS_EXPIRED" }), "CERT_HAS_EXPIRED"],
    [
      "a name that is not found",
      withMembers(new Error("x"), { code: "ENOTFOUND", hostname: "login.example" }),
      "ENOTFOUND",
    ],
    ["a login that Postgres refuses", withMembers(new Error("x"), { code: "28P01" }), "28P01"],
    ["a right that is missing in Postgres", withMembers(new Error("x"), { code: "42501" }), "42501"],
    [
      "a call of fetch",
      new TypeError("fetch failed", { cause: withMembers(new Error("x"), { code: "EPIPE" }) }),
      "EPIPE",
    ],
    ["a deadline", new DOMException("x", "TimeoutError"), "TimeoutError"],
    ["an error without a code", new TypeError("x"), "TypeError"],
    ["a number for a code", withMembers(new Error("x"), { code: 42501 }), "Error"],
    ["a text for a code", withMembers(new Error("x"), { code: `${canary}` }), "Error"],
    ["what is no error", "a text", "ERR_UNEXPECTED"],
    ["a refusal of the upstream", new UpstreamRejectedError("invalid_client", "No."), "ERR_UPSTREAM_REJECTED"],
  ])("names the code of %s", (_, cause, code) => {
    const { causes } = describeFailure(new UpstreamUnavailableError("Out.", { cause }));
    expect(causes[0]?.code).toBe(code);
    expect(JSON.parse(JSON.stringify(causes))).toEqual(causes);
  });

  it("takes what has no code for a defect, where no error of this package says what it means", () => {
    const { code, causes } = describeFailure(new TypeError("x", { cause: new RangeError("y") }));
    expect([code, ...causes.map((cause) => cause.code)]).toEqual(["ERR_UNEXPECTED", "ERR_UNEXPECTED"]);
  });

  it("ends, where a cause leads back to itself", () => {
    const error = new Error("x");
    error.cause = error;
    expect(describeFailure(error).causes).toEqual([]);
    const [one, other] = [new Error("one"), new Error("other")];
    one.cause = other;
    other.cause = one;
    expect(describeFailure(one).causes).toHaveLength(1);
    let long = new Error("x");
    for (let depth = 0; depth < 100; depth += 1) long = new Error("x", { cause: long });
    expect(describeFailure(long).causes.length).toBeLessThan(20);
  });
});
