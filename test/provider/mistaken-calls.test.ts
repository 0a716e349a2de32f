import { expect, it } from "vitest";
import { PangeaAuthnError, PangeaOAuthProvider } from "../../src/index.ts";
import { providerOptions } from "../support/provider-harness.ts";

const provider = new PangeaOAuthProvider(providerOptions("https://login.example"));

/** What a caller without types may give. */
const values: readonly unknown[] = [undefined, null, "", 5, {}, [], { token: 5 }, () => undefined, Symbol("none")];
/** Every public method that takes something, and the code of what it rejects with. */
const methods = {
  verifyAccessToken: "ERR_OAUTH",
  upstreamToken: "ERR_OAUTH",
  pangeaToken: "ERR_OAUTH",
  revokeGrant: "ERR_CONFIGURATION",
  revokeGrants: "ERR_CONFIGURATION",
  listGrants: "ERR_CONFIGURATION",
  fetch: "ERR_CONFIGURATION",
  authenticate: "ERR_CONFIGURATION",
} as const;

/** What is no mistake: all grants, or the default. */
const isFine = (name: string, value: unknown) =>
  (name === "revokeGrants" && isEmpty(value)) || (name === "listGrants" && (value === undefined || isEmpty(value)));
const isEmpty = (value: unknown) => JSON.stringify(value) === "{}" && typeof value === "object";

async function call(name: keyof typeof methods, value: unknown): Promise<unknown> {
  const answer: unknown = await Reflect.apply(provider[name], provider, [value]);
  if (name === "listGrants") for await (const _ of Object(answer));
  return answer;
}

const cases = Object.entries(methods).flatMap(([name, code]) =>
  values.filter((value) => !isFine(name, value)).map((value) => [name as keyof typeof methods, value, code] as const),
);

it.each(cases)("%s(%o) rejects with an error of this package", async (name, value, code) => {
  const failure = await call(name, value).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(PangeaAuthnError);
  expect(failure).toMatchObject({ code });
});

it("the path and the failure may be anything", () => {
  for (const value of values) {
    expect(Reflect.apply(provider.serves, provider, [value])).toBe(false);
    expect(Reflect.apply(provider.refusal, provider, [value]).status).toBe(500);
  }
});

/** What names somebody, and not by members of its own: read as a filter, it names nobody and means everybody. */
const containers: readonly unknown[] = [
  new Map([["subject", "ada"]]),
  new Set(["subject"]),
  new URLSearchParams("subject=ada"),
  new FormData(),
  new Headers({ subject: "ada" }),
  new Date(),
  Promise.resolve({ subject: "ada" }),
  Object.create({ subject: "ada" }),
  new (class {
    readonly #subject = "ada";
    get subject() {
      return this.#subject;
    }
  })(),
];

it.each([{ subjct: "ada" }, { subjct: undefined }, { subject: undefined }, { clientId: 5 }, ...containers])(
  "a filter that may mean more than was meant ends nothing: %o",
  async (filter) => {
    await expect(call("revokeGrants", filter)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    await expect(call("listGrants", filter)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  },
);

it("a filter of JSON, of another realm or without a prototype is one", async () => {
  const { runInNewContext } = await import("node:vm");
  const filters: readonly unknown[] = [
    JSON.parse('{"subject":"ada"}'),
    runInNewContext('({ subject: "ada" })'),
    Object.assign(Object.create(null), { subject: "ada" }),
  ];
  for (const filter of filters) expect(await call("revokeGrants", filter)).toBe(0);
});

it.each<readonly [options: unknown, message: RegExp]>([
  [{ requiredScopes: "user" }, /^requiredScopes must be a list/],
  [{ requiredScopes: "user,admin" }, /^requiredScopes must be a list.*\["user","admin"\]/],
  [{ requiredScopes: [undefined] }, /^requiredScopes must be a list/],
  [{ requiredScopes: null }, /^requiredScopes must be a list/],
  [{ requiredScope: ["user"] }, /^requiredScope .*requiredScopes\?/],
  [{ requiredScopes: ["user"], calller: "a" }, /^calller .*caller\?/],
  [["user"], /^authenticate takes an object/],
  ["user", /^authenticate takes an object/],
  [null, /^authenticate takes an object/],
  [new Map([["requiredScopes", ["user"]]]), /^authenticate takes an object/],
])("authenticate demands nothing else than was meant: %o", async (options, message) => {
  const request = { headers: new Headers() };
  const answer: Promise<unknown> = Reflect.apply(provider.authenticate, provider, [request, options]);
  await expect(answer).rejects.toMatchObject({ code: "ERR_CONFIGURATION", message: expect.stringMatching(message) });
});

it.each<unknown>([undefined, {}, { requiredScopes: undefined }, { requiredScopes: [] }, { caller: "a" }])(
  "authenticate takes %o",
  async (options) => {
    const request = { headers: new Headers() };
    await expect(Reflect.apply(provider.authenticate, provider, [request, options])).resolves.toMatchObject({
      status: 401,
    });
  },
);

it("a promise that nobody awaited is called that", async () => {
  await expect(call("revokeGrants", Promise.resolve({}))).rejects.toMatchObject({
    code: "ERR_CONFIGURATION",
    message: expect.stringContaining("await it"),
  });
});
