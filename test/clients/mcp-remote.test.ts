import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { expect, it } from "vitest";
import { programPath, usePrograms } from "../support/programs.ts";
import { otherUpstreams, upstreamKinds } from "../support/upstream-scene.ts";
import { emptyHome, environmentOf } from "./client-program.ts";
import { type ClientScene, openClientScene, openClientSceneWith } from "./client-scene.ts";

usePrograms();

/** A desktop application that knows only stdio: it starts `mcp-remote`, which speaks to the protected server for it. */
async function whoamiOverMcpRemote(scene: ClientScene, home: string): Promise<{ text: unknown; logins: number }> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [programPath("mcp-remote"), scene.server.mcpUrl],
    env: environmentOf(home),
    stderr: "pipe",
  });
  let printed = "";
  let loggedIn: Promise<void> | undefined;
  transport.stderr?.on("data", (part: Buffer) => {
    printed += part.toString();
    const authorizeUrl = /http:\S+\/authorize\?\S+(?=\s)/.exec(printed)?.[0];
    if (authorizeUrl !== undefined) loggedIn ??= scene.logInAndReturn(authorizeUrl);
  });
  const client = new Client({ name: "desktop", version: "1.0.0" });
  try {
    await client.connect(transport);
    await loggedIn;
    const { content } = await client.callTool({ name: "whoami" });
    return { text: content, logins: loggedIn === undefined ? 0 : 1 };
  } catch (failure) {
    throw new Error(printed, { cause: failure });
  } finally {
    await client.close();
  }
}

it("gets mcp-remote through a login, and through a later start without one", async () => {
  await using home = await emptyHome();
  await using scene = await openClientScene();
  const text = [{ type: "text", text: "ada@example.com ptu_" }];
  expect(await whoamiOverMcpRemote(scene, home.path)).toEqual({ text, logins: 1 });
  scene.server.advanceSeconds(3601);
  expect(await whoamiOverMcpRemote(scene, home.path)).toEqual({ text, logins: 0 });
});

it.each(otherUpstreams)("gets mcp-remote through a login with %s as the upstream", async (kind) => {
  await using home = await emptyHome();
  await using scene = await openClientSceneWith(kind);
  const { text, logins } = await whoamiOverMcpRemote(scene, home.path);
  expect(text).toMatchObject([{ text: expect.stringMatching(`^${upstreamKinds[kind]} `) }]);
  expect(logins).toBe(1);
});
