import { expect, it } from "vitest";
import { watchedServer } from "../../support/watched-server.ts";

it.each([
  ["the metadata behind the guard", ["/.well-known/oauth-protected-resource/mcp"], ["guard-before-mount"]],
  ["the MCP endpoint behind the guard", ["/mcp/", "/mcp?session=1"], []],
  ["metadata that clients look for in vain", ["/mcp/.well-known/openid-configuration"], []],
  ["another path behind the guard", ["/sse", "/messages"], ["guarded-elsewhere"]],
  ["the root behind the guard", ["/"], []],
])("%s: the operator is told once of what cannot work", async (_, paths, topics) => {
  const { provider, warnings } = watchedServer();
  provider.noteMount();
  for (const url of [...paths, ...paths]) await provider.authenticate({ headers: new Headers(), method: "POST", url });
  expect(warnings.map((text) => /#([\w-]+)/.exec(text)?.[1])).toEqual(topics);
  await provider[Symbol.asyncDispose]();
});
