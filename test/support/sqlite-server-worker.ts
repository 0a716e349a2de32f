import { createServer } from "node:http";
import { McpOAuthProvider } from "../../src/index.ts";
import { protectMcp } from "../../src/integrations/node.ts";
import { createSqliteRepositories } from "../../src/sqlite.ts";
import { FakeUpstream } from "./fake-upstream.ts";

/** An MCP server behind a provider with its state in a file. It runs until it is killed. */
const [file = "", driver = "", port = ""] = process.argv.slice(2);
const provider = new McpOAuthProvider({
  baseUrl: `http://127.0.0.1:${port}`,
  scopes: ["user"],
  secret: "the secret of a server that is killed, long enough",
  upstream: new FakeUpstream(Date.now),
  rateLimits: false,
  // Beside other tests a process may be too slow for what is asked of it, which is no answer to what is tried here.
  overload: false,
  repositories: createSqliteRepositories(file, { driver: driver === "better-sqlite3" ? driver : "node:sqlite" }),
});
// The server does not outlive the test that started it.
process.on("disconnect", () => process.exit());
const serve = protectMcp(provider, (_, response) => {
  response.end("tools");
});
createServer(serve).listen(Number(port), "127.0.0.1", () => process.send?.("listens"));
