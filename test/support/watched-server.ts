import { createInMemoryRepositories, McpOAuthProvider } from "../../src/index.ts";
import { FakeUpstream } from "./fake-upstream.ts";

/** A server, and the warnings that it has written. */
export function watchedServer(baseUrl = "http://localhost:8000") {
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
