import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import type { Habit } from "./habit.ts";
import { answered, authorize, issue, type Metadata, nativeClient, pull, register } from "./registering.ts";

const day = 86_400;

/** What clients do with a registration: how often they make it, how long they keep it, what they show of it. */
export const lastingHabits: readonly Habit[] = [
  {
    client: "Claude.ai",
    habit: "registers with client_secret_post once, and uses the secret for ever",
    source: issue("anthropics/claude-ai-mcp", 667),
    run: async (scene) => {
      const { harness, clock } = scene;
      const method = { ...nativeClient, token_endpoint_auth_method: "client_secret_post" };
      const redirect_uris = [harness.redirectUri];
      const { client_id, client_secret, client_secret_expires_at } = await register(scene, {
        ...method,
        redirect_uris,
      });
      expect(client_secret_expires_at).toBe(0);
      for (let months = 0; months < 8; months += 1) {
        const issued = await harness.codeFor(client_id);
        expect((await harness.redeem(issued, { client_secret })).status).toBe(200);
        clock.advanceSeconds(60 * day);
      }
    },
  },
  {
    client: "Python SDK",
    habit: "does not register again when its secret has expired",
    source: issue("modelcontextprotocol/python-sdk", 3256),
    run: answered({ token_endpoint_auth_method: "client_secret_basic" }, { client_secret_expires_at: 0 }),
  },
  {
    client: "opencode 2",
    habit: "registers at every start",
    source: issue("anomalyco/opencode", 40_767),
    run: async (scene) => {
      const metadata = {
        ...nativeClient,
        client_name: "opencode",
        redirect_uris: ["http://localhost:3000/oauth/callback"],
      };
      const first = await register(scene, metadata);
      for (let starts = 0; starts < 40; starts += 1) {
        scene.clock.advanceSeconds(3600);
        expect((await register(scene, metadata)).client_id).toBe(first.client_id);
      }
    },
  },
  {
    client: "opencode",
    habit: "registers at each login, and keeps the tokens of the registration before",
    source: issue("anomalyco/opencode", 35625),
    run: async (scene) => {
      const { harness } = scene;
      const metadata = { ...nativeClient, client_name: "OpenCode", redirect_uris: [harness.redirectUri] };
      const before = await harness.tokensFor((await register(scene, metadata)).client_id);
      const { client_id } = await register(scene, metadata);
      expect((await harness.refresh({ ...before, clientId: client_id })).status).toBe(200);
    },
  },
  {
    client: "Gemini CLI, Claude Code",
    habit: "registers at a port that changes from start to start",
    source: issue("PrefectHQ/fastmcp", 4152),
    run: async (scene) => {
      const at = (port: number) => ({ ...nativeClient, redirect_uris: [`http://localhost:${port}/oauth/callback`] });
      const first = await register(scene, at(49_152));
      const second = await register(scene, at(60_001));
      expect(second.client_id).toBe(first.client_id);
      expect(second.redirect_uris).toEqual(["http://localhost:60001/oauth/callback"]);
      for (const { redirect_uris } of [first, second]) {
        expect((await authorize(scene, first.client_id, redirect_uris[0])).status).toBe(200);
      }
    },
  },
  {
    client: "mcp-remote",
    habit: "takes its callback port from the redirect URIs of the answer",
    source: issue("punkpeye/mcp-remote", 72),
    run: async (scene) => {
      const at = (port: number) => ({ ...nativeClient, redirect_uris: [`http://localhost:${port}/oauth/callback`] });
      await register(scene, at(3334));
      expect((await register(scene, at(16_100))).redirect_uris).toEqual(["http://localhost:16100/oauth/callback"]);
    },
  },
  {
    client: "VS Code",
    habit: "uses another loopback port than the one it registered, where that is taken",
    source: issue("microsoft/vscode", 278_512),
    run: async (scene) => {
      const redirect_uris = ["https://vscode.dev/redirect", "http://127.0.0.1/", "http://127.0.0.1:33418/"];
      const { client_id } = await register(scene, { ...nativeClient, redirect_uris });
      expect((await authorize(scene, client_id, "http://127.0.0.1:59656/")).status).toBe(200);
    },
  },
  {
    client: "any",
    habit: "gets a secret, since it named no method, and does not show it: refused",
    source: issue("onyx-dot-app/onyx", 12_874),
    run: async (scene) => {
      const { harness } = scene;
      const { client_id } = await register(scene, { redirect_uris: [harness.redirectUri] });
      const issued = await harness.codeFor(client_id);
      const response = await harness.redeem(issued);
      expect([response.status, (await jsonOf(response)).error]).toEqual([401, "invalid_client"]);
    },
  },
  {
    client: "hosted clients",
    habit: "register for thousands of people from one address",
    source: pull("jagduvi1/Cellarion", 785),
    run: async ({ harness }) => {
      const metadata = { ...nativeClient, client_name: "Hosted", redirect_uris: ["https://hosted.example/callback"] };
      const from = (caller: string, members: Metadata) =>
        harness.provider.fetch(
          new Request(`${harness.baseUrl}/register`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ ...metadata, ...members }),
          }),
          { caller },
        );
      for (let people = 0; people < 499; people += 1) {
        expect((await from("203.0.113.9", {})).status).toBe(201);
      }
      for (let people = 0; people < 500; people += 1) {
        expect((await from("203.0.113.10", { software_id: String(people) })).status).toBe(201);
      }
      expect((await from("203.0.113.9", { client_name: "New" })).status).toBe(201);
    },
  },
  {
    client: "Kiro IDE",
    habit: "registers once a window, all at the same moment",
    source: pull("zereight/gitlab-mcp", 630),
    run: async (scene) => {
      const metadata = {
        ...nativeClient,
        client_name: "Kiro",
        redirect_uris: ["http://127.0.0.1:48213/oauth/callback"],
      };
      const windows = await Promise.all(Array.from({ length: 12 }, () => register(scene, metadata)));
      expect(new Set(windows.map(({ client_id }) => client_id)).size).toBe(1);
    },
  },
  {
    client: "Claude Code",
    habit: "comes for ever with a client_id that was pruned: a page says what to do",
    source: issue("anthropics/claude-code", 84_614),
    run: async (scene) => {
      const answer = await authorize(scene, "11111111-2222-3333-4444-555555555555");
      const html = await answer.text();
      expect([answer.status, answer.headers.get("location")]).toEqual([400, null]);
      expect(html).toContain("<ol>");
      expect(html.replace(/<details>.*<\/details>/s, "")).not.toContain("invalid_client");
    },
  },
  {
    client: "Claude Desktop",
    habit: "shows a client_id that was pruned at the token endpoint: 401 invalid_client has it register again",
    source: issue("PrefectHQ/fastmcp", 1762),
    run: async ({ harness }) => {
      const shown = { clientId: "11111111-2222-3333-4444-555555555555", refresh_token: "pmcp_rt_x" };
      const response = await harness.refresh(shown, { client_secret: "x" });
      expect([response.status, (await jsonOf(response)).error]).toEqual([401, "invalid_client"]);
    },
  },
  {
    client: "mcp-remote behind Cursor",
    habit: "keeps its client_id while the server's store is emptied: known again when the next one registers",
    source: issue("punkpeye/mcp-remote", 36),
    run: async (scene) => {
      const metadata = { ...nativeClient, client_name: "mcp-remote", redirect_uris: [scene.harness.redirectUri] };
      const { client_id } = await register(scene, metadata);
      scene.clock.advanceSeconds(91 * day);
      expect((await authorize(scene, client_id)).status).toBe(400);
      expect((await register(scene, metadata)).client_id).toBe(client_id);
      expect((await authorize(scene, client_id)).status).toBe(200);
    },
  },
  {
    client: "Claude Code",
    habit: "sleeps for two months, and logs in with the registration that it has",
    source: issue("anthropics/claude-code", 4760),
    run: async (scene) => {
      const { harness, clock } = scene;
      const { client_id } = await register(scene, { ...nativeClient, redirect_uris: [harness.redirectUri] });
      await harness.tokensFor(client_id);
      for (let sleeps = 0; sleeps < 3; sleeps += 1) {
        clock.advanceSeconds(80 * day);
        expect((await harness.tokensFor(client_id)).token_type).toBe("Bearer");
      }
    },
  },
  {
    client: "Python SDK",
    habit: "names its client_id in the form beside the Basic credentials",
    source: issue("modelcontextprotocol/python-sdk", 3138),
    run: async (scene) => {
      const { client_id, client_secret } = await register(scene, { redirect_uris: [scene.harness.redirectUri] });
      const authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString("base64")}`;
      const issued = await scene.harness.codeFor(client_id);
      const form = { grant_type: "authorization_code", client_id, code: issued.code, code_verifier: issued.verifier };
      expect((await scene.harness.postForm("/token", form, { authorization })).status).toBe(200);
    },
  },
  {
    client: "various",
    habit: "show the same secret in the header and in the form",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1",
    run: async (scene) => {
      const { client_id, client_secret } = await register(scene, { redirect_uris: [scene.harness.redirectUri] });
      const authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString("base64")}`;
      const { code, verifier } = await scene.harness.codeFor(client_id);
      const form = { grant_type: "authorization_code", client_id, client_secret, code, code_verifier: verifier };
      expect((await scene.harness.postForm("/token", form, { authorization })).status).toBe(200);
    },
  },
];
