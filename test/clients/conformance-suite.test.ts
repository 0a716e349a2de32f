import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { freePorts } from "../support/free-port.ts";
import { usePrograms } from "../support/programs.ts";
import { otherUpstreams } from "../support/upstream-scene.ts";
import { emptyHome, environmentOf, startClient } from "./client-program.ts";
import { openClientSceneWith } from "./client-scene.ts";

usePrograms();

// The suite shows its secret only to servers that have no public clients, so a public client it is.
it.each(["Pangea AuthN", ...otherUpstreams] as const)(
  "passes the authorization scenarios of the MCP conformance suite without a failure, a warning or a skip, with %s as the upstream",
  async (kind) => {
    await using home = await emptyHome();
    const { value: port } = await freePorts().next();
    await using scene = await openClientSceneWith(kind, {
      clients: [
        {
          client_id: "conformance",
          redirect_uris: [`http://127.0.0.1:${port}/callback`],
          token_endpoint_auth_method: "none",
        },
      ],
    });
    const { baseUrl, mcpUrl } = scene.server;
    const options = ["--client-id", "conformance", "--resource", mcpUrl, "-p", String(port), "-o", home.path];
    await using suite = startClient(
      "conformance",
      ["authorization", "--url", baseUrl, ...options],
      environmentOf(home.path),
    );
    const [authorizeUrl] = await suite.waitFor(/http:\S+\/authorize\?\S+/);
    await scene.logInAndReturn(authorizeUrl);
    expect(await suite.exited, suite.output()).toBe(0);
    expect(await checksIn(home.path)).toEqual([
      { id: "authorization-code-grant", status: "SUCCESS" },
      { id: "authorization-server-metadata", status: "SUCCESS" },
      { id: "authorization-server-metadata-cimd", status: "SUCCESS" },
    ]);
  },
);

/** What the suite wrote down, in the order of the names. */
async function checksIn(folder: string): Promise<{ id: string; status: string }[]> {
  const files = await readdir(folder, { recursive: true });
  const checks: { id: string; status: string }[] = [];
  for (const file of files.filter((name) => name.endsWith("checks.json"))) {
    checks.push(...JSON.parse(await readFile(join(folder, file), "utf8")));
  }
  return checks.map(({ id, status }) => ({ id, status })).sort((one, other) => (one.id < other.id ? -1 : 1));
}
