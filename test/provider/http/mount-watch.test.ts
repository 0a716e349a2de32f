import { expect, it } from "vitest";
import { createInMemoryRepositories, McpOAuthProvider } from "../../../src/index.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";

/** A server, and the warnings that it has written. */
function watched(baseUrl = "http://localhost:8000") {
  const warnings: string[] = [];
  const provider = new McpOAuthProvider({
    baseUrl,
    scopes: ["user"],
    secret: "a secret of this test, which is long enough",
    repositories: createInMemoryRepositories(),
    upstream: new FakeUpstream(Date.now),
    logger: { debug() {}, info() {}, warn: (text) => void warnings.push(String(text)), error() {} },
  });
  return { provider, warnings };
}

it.each([
  ["the metadata behind the guard", ["/.well-known/oauth-protected-resource/mcp"], ["guard-before-mount"]],
  ["the MCP endpoint behind the guard", ["/mcp/", "/mcp?session=1"], []],
  ["metadata that clients look for in vain", ["/mcp/.well-known/openid-configuration"], []],
  ["another path behind the guard", ["/sse", "/messages"], ["guarded-elsewhere"]],
  ["the root behind the guard", ["/"], []],
])("%s: the operator is told once of what cannot work", async (_, paths, topics) => {
  const { provider, warnings } = watched();
  provider.noteMount();
  for (const url of [...paths, ...paths]) await provider.authenticate({ headers: new Headers(), method: "POST", url });
  expect(warnings.map((text) => /#([\w-]+)/.exec(text)?.[1])).toEqual(topics);
  await provider[Symbol.asyncDispose]();
});
