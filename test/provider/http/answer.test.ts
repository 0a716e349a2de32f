import { expect, it, vi } from "vitest";
import { createInMemoryRepositories, McpOAuthProvider } from "../../../src/index.ts";
import { answerOf, jsonTextAnswer, knownText, toResponse } from "../../../src/provider/http/answer.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";

const html = { status: 400, headers: { "content-type": "text/html" }, text: "<p>Hello</p>" };

it("a response remembers its text, and is one as any other", async () => {
  const response = toResponse({ ...html, cookies: ["a=1; Path=/", "b=2"] });
  expect(knownText(response)).toBe("<p>Hello</p>");
  expect(response.status).toBe(400);
  expect(response.headers.get("content-type")).toBe("text/html");
  expect(response.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2"]);
  expect(await response.text()).toBe("<p>Hello</p>");
});

it("an answer with JSON says so, unless it says otherwise", async () => {
  const response = toResponse(jsonTextAnswer({ a: [1] }, { headers: { pragma: "no-cache" } }));
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toEqual({ "content-type": "application/json", pragma: "no-cache" });
  expect(await response.json()).toEqual({ a: [1] });
});

it.each<[string, () => Promise<Response> | Response, string | undefined]>([
  ["without a body", () => toResponse({ status: 302, headers: {} }), ""],
  ["of somebody else's making", () => new Response("text"), undefined],
  ["made of another one", () => new Response(toResponse(html).body), undefined],
  [
    "that was read",
    async () => {
      const response = toResponse(html);
      await response.text();
      return response;
    },
    undefined,
  ],
])("of a response %s as much is known as can be", async (_, made, text) => {
  expect(knownText(await made())).toBe(text);
});

const baseUrl = "https://mcp.example";
const newProvider = () =>
  new McpOAuthProvider({
    baseUrl,
    scopes: ["user"],
    secret: "a secret of this test, which is long enough",
    repositories: createInMemoryRepositories(),
    upstream: new FakeUpstream(Date.now),
    logger: false,
  });
const metadata = () => new Request(`${baseUrl}/.well-known/oauth-authorization-server`);

it("a provider's own answers are had without a response, and say the same", async () => {
  await using provider = newProvider();
  const answer = await answerOf(provider, metadata(), {});
  expect(answer).not.toBeInstanceOf(Response);
  const { status, headers } = await provider.fetch(metadata());
  expect({ status: answer.status, headers: answer.headers }).toEqual({ status, headers: Object.fromEntries(headers) });
});

const wrappers: [string, (provider: McpOAuthProvider) => McpOAuthProvider][] = [
  ["a function in its place", (provider) => Object.assign(provider, { fetch: async () => new Response("wrapped") })],
  [
    "a spy",
    (provider) => {
      vi.spyOn(provider, "fetch").mockResolvedValue(new Response("wrapped"));
      return provider;
    },
  ],
  [
    "a proxy",
    (provider) => {
      const fetch = async () => new Response("wrapped");
      return new Proxy(provider, { get: (target, name) => (name === "fetch" ? fetch : Reflect.get(target, name)) });
    },
  ],
];

it.each(wrappers)("whoever changes `fetch` by %s is asked", async (_, wrap) => {
  await using provider = newProvider();
  const answer = await answerOf(wrap(provider), metadata(), {});
  expect(answer instanceof Response && (await answer.text())).toBe("wrapped");
});

it("a class that overrides `fetch` is asked", async () => {
  class Overriding extends McpOAuthProvider {
    override async fetch(): Promise<Response> {
      return new Response("overridden");
    }
  }
  await using provider = new Overriding({
    baseUrl,
    scopes: ["user"],
    secret: "a secret of this test, which is long enough",
    repositories: createInMemoryRepositories(),
    upstream: new FakeUpstream(Date.now),
    logger: false,
  });
  const answer = await answerOf(provider, metadata(), {});
  expect(answer instanceof Response && (await answer.text())).toBe("overridden");
});
