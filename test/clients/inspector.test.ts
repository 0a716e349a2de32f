import { expect, it } from "vitest";
import { usePrograms } from "../support/programs.ts";
import { emptyHome, environmentOf, startClient } from "./client-program.ts";
import { openClientScene } from "./client-scene.ts";

usePrograms();

it("gets the MCP Inspector's command line through a login and a tool call", async () => {
  await using home = await emptyHome();
  await using scene = await openClientScene();
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
  expect(inspector.output()).toContain("ada@example.com ptu_");
});
