import { expect, it } from "vitest";
import { usePrograms } from "../support/programs.ts";
import { otherUpstreams, upstreamKinds } from "../support/upstream-scene.ts";
import { emptyHome, environmentOf, startClient } from "./client-program.ts";
import { type ClientScene, openClientScene, openClientSceneWith } from "./client-scene.ts";

usePrograms();

/** What the Inspector's command line prints of a call of the tool, after a login. */
async function whoamiByInspector(scene: ClientScene): Promise<string> {
  await using home = await emptyHome();
  const target = ["--cli", "--transport", "http", "--server-url", scene.server.mcpUrl];
  const call = ["--method", "tools/call", "--tool-name", "whoami"];
  await using inspector = startClient("mcp-inspector", [...target, ...call], {
    ...environmentOf(home.path),
    MCP_AUTO_OPEN_ENABLED: "true",
    MCP_INSPECTOR_SECRET_STORE: "memory",
  });
  const [authorizeUrl] = await inspector.waitFor(/http:\S+\/authorize\?\S+(?=\s)/);
  await scene.logInAndReturn(authorizeUrl);
  expect(await inspector.exited, inspector.output()).toBe(0);
  return inspector.output();
}

it("gets the MCP Inspector's command line through a login and a tool call", async () => {
  await using scene = await openClientScene();
  expect(await whoamiByInspector(scene)).toContain("ada@example.com ptu_");
});

it.each(otherUpstreams)(
  "gets the MCP Inspector's command line through a login with %s as the upstream",
  async (kind) => {
    await using scene = await openClientSceneWith(kind);
    expect(await whoamiByInspector(scene)).toContain(`"${upstreamKinds[kind]} `);
  },
);
