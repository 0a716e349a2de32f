import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import { type IssuedTokens, pkce } from "../../support/provider-harness.ts";
import { claimsOf, SigningKey, shown } from "../../support/signing-client.ts";
import type { Habit, HabitScene } from "./habit.ts";
import { chatGpt, claude, claudeCode, copilotCli, mcpc, mcpDebug, openCode } from "./published-documents.ts";

type Document = Readonly<Record<string, unknown>>;

/** What the sites of clients answer, by URL; what is asked of them goes through a fetch of the server's own. */
class Sites {
  readonly asked: string[] = [];
  /** What every site answers in place of its documents, where it does. */
  answer: (() => Response | Promise<Response>) | undefined;
  readonly #documents = new Map<string, () => Response>();

  serve(url: string, body: Document, headers: Record<string, string> = { "cache-control": "max-age=300" }): void {
    this.#documents.set(url, () => Response.json(body, { headers }));
  }

  readonly fetch = async ({ url }: Request): Promise<Response> => {
    this.asked.push(url);
    return this.answer?.() ?? this.#documents.get(url)?.() ?? new Response(null, { status: 404 });
  };
}

type Row = Pick<Habit, "client" | "habit" | "source"> & {
  readonly run: (scene: HabitScene, sites: Sites) => Promise<void>;
};

function row({ run, ...told }: Row): Habit {
  const sites = new Sites();
  return { ...told, options: { clientMetadataDocuments: { fetch: sites.fetch } }, run: (scene) => run(scene, sites) };
}

/** Logs in as the client of a document; the form has what the client shows of itself at the token endpoint. */
async function getsIn(
  { harness }: HabitScene,
  { client_id, redirect_uri }: { readonly client_id: string; readonly redirect_uri: string },
  form: Record<string, string> = {},
): Promise<IssuedTokens> {
  const issued = await harness.codeFor(client_id, { redirect_uri });
  const answer = await harness.redeem(issued, { redirect_uri, ...form });
  expect(answer.status).toBe(200);
  const tokens = { ...issued, ...(await jsonOf(answer)) };
  expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  return tokens;
}

/** What a person sees who comes from the client: a page of ours, or where the browser is sent. */
async function comesFrom({ harness }: HabitScene, client_id: string, redirect_uri: string) {
  const path = harness.authorizePath({ client_id, redirect_uri, code_challenge: pkce().challenge });
  const answer = await harness.get(path);
  return { status: answer.status, location: answer.headers.get("location") };
}

const withheld = () =>
  new Response("<!DOCTYPE html><title>Just a moment...</title>", {
    status: 403,
    headers: { "content-type": "text/html", "cf-mitigated": "challenge" },
  });
const claudeAt = { client_id: claude.client_id, redirect_uri: "https://claude.ai/api/mcp/auth_callback" };
const claudeCodeAt = { client_id: claudeCode.client_id, redirect_uri: "http://localhost:58135/callback" };

/** What clients with metadata documents do, and what the sites of these do. */
export const documentHabits: readonly Habit[] = [
  row({
    client: "Claude.ai",
    habit: "has a site that answers 403 to servers, after it has given its document once",
    source: "https://github.com/anthropics/claude-ai-mcp/issues/650",
    run: async (scene, sites) => {
      sites.serve(claude.client_id, claude);
      const tokens = await getsIn(scene, claudeAt);
      sites.answer = withheld;
      scene.clock.advanceSeconds(24 * 3600);
      expect((await scene.harness.refresh(tokens)).status).toBe(200);
      await getsIn(scene, claudeAt);
    },
  }),
  row({
    client: "Claude Code",
    habit: "has a document that one egress address gets and the next one does not",
    source: "https://github.com/anthropics/claude-code/issues/84263",
    run: async (scene, sites) => {
      sites.serve(claudeCode.client_id, claudeCode);
      for (const answer of [undefined, withheld, undefined, withheld]) {
        sites.answer = answer;
        await getsIn(scene, claudeCodeAt);
        scene.clock.advanceSeconds(400);
      }
    },
  }),
  row({
    client: "Claude.ai",
    habit: "has a site that is out for days",
    source: "https://github.com/dropseed/plain/pull/108",
    run: async (scene, sites) => {
      sites.serve(claude.client_id, claude);
      let tokens = await getsIn(scene, claudeAt);
      sites.answer = () => new Response(null, { status: 522 });
      for (let day = 0; day < 6; day += 1) {
        scene.clock.advanceSeconds(24 * 3600);
        const answer = await scene.harness.refresh(tokens);
        expect(answer.status, `day ${day}`).toBe(200);
        tokens = { ...tokens, ...(await jsonOf(answer)) };
      }
      scene.clock.advanceSeconds(2 * 24 * 3600);
      expect((await scene.harness.refresh(tokens)).status, "come back").toBe(503);
      sites.answer = undefined;
      expect((await scene.harness.refresh(tokens)).status, "and no login is lost").toBe(200);
    },
  }),
  row({
    client: "A client whose site does not answer",
    habit: "has every request of its users wait for the time of a fetch",
    source: "https://github.com/simstudioai/sim/pull/3285",
    run: async (scene, sites) => {
      sites.serve(claude.client_id, claude);
      const tokens = await getsIn(scene, claudeAt);
      scene.clock.advanceSeconds(400);
      sites.answer = () => Promise.reject(new TypeError("fetch failed"));
      sites.asked.length = 0;
      for (let count = 0; count < 5; count += 1) expect((await scene.harness.refresh(tokens)).status).toBe(200);
      expect(sites.asked).toHaveLength(1);
    },
  }),
  row({
    client: "Claude Code",
    habit: "has a document that this server never got",
    source: "https://github.com/openstatusHQ/openstatus/pull/2733",
    run: async (scene, sites) => {
      sites.answer = withheld;
      const { status, location } = await comesFrom(scene, claudeCode.client_id, claudeCodeAt.redirect_uri);
      expect([status, location]).toEqual([400, null]);
      sites.answer = undefined;
      sites.serve(claudeCode.client_id, claudeCode);
      await getsIn(scene, claudeCodeAt);
    },
  }),
  row({
    client: "A client that has withdrawn its document",
    habit: "answers 404, and is let in no more",
    source: "https://github.com/openstatusHQ/openstatus/pull/2653",
    run: async (scene, sites) => {
      sites.serve(claude.client_id, claude);
      const tokens = await getsIn(scene, claudeAt);
      scene.clock.advanceSeconds(400);
      sites.answer = () => new Response(null, { status: 404 });
      expect((await jsonOf(await scene.harness.refresh(tokens))).error).toBe("invalid_client");
      sites.answer = withheld;
      expect((await comesFrom(scene, claude.client_id, claudeAt.redirect_uri)).location).toBeNull();
    },
  }),
  row({
    client: "Clients of Vercel Connect",
    habit: "forbid to store their document, and come twice in a row",
    source: "https://github.com/better-auth/better-auth/pull/11161",
    run: async (scene, sites) => {
      sites.serve(claude.client_id, claude, { "cache-control": "private, no-cache, no-store, max-age=0" });
      const tokens = await getsIn(scene, claudeAt);
      expect((await scene.harness.refresh(tokens)).status).toBe(200);
      const asked = sites.asked.length;
      await getsIn(scene, claudeAt);
      expect(sites.asked.length, "its wish is heard").toBeGreaterThan(asked);
      sites.answer = withheld;
      await getsIn(scene, claudeAt);
    },
  }),
  row({
    client: "Claude.ai",
    habit: "lists a grant type that no MCP server has",
    source: "https://github.com/pocket-id/pocket-id/issues/1677",
    run: async (scene, sites) => {
      sites.serve(claude.client_id, claude);
      expect((await getsIn(scene, claudeAt)).refresh_token).toBeDefined();
    },
  }),
  row({
    client: "Claude Code",
    habit: "documents loopback without a port and comes with one",
    source: "https://github.com/anthropics/claude-code/issues/37767",
    run: async (scene, sites) => {
      sites.serve(claudeCode.client_id, claudeCode);
      await getsIn(scene, claudeCodeAt);
      await getsIn(scene, { ...claudeCodeAt, redirect_uri: "http://127.0.0.1:3118/callback" });
    },
  }),
  row({
    client: "Copilot CLI",
    habit: "documents one loopback port and comes with another",
    source: "https://github.com/github/copilot-cli/issues/4793",
    run: async (scene, sites) => {
      sites.serve(copilotCli.client_id, copilotCli);
      await getsIn(scene, { client_id: copilotCli.client_id, redirect_uri: "http://127.0.0.1:60005/" });
    },
  }),
  row({
    client: "opencode",
    habit: "has a document with a logo, a type, and methods to choose from",
    source: "https://github.com/anomalyco/opencode/pull/47737",
    run: async (scene, sites) => {
      sites.serve(openCode.client_id, openCode);
      await getsIn(scene, { client_id: openCode.client_id, redirect_uri: "http://127.0.0.1:19876/callback" });
    },
  }),
  row({
    client: "mcpc",
    habit: "lists each of its ports in its document, and may come with another one",
    source: "https://github.com/apify/mcpc/pull/187",
    run: async (scene, sites) => {
      sites.serve(mcpc.client_id, mcpc);
      for (const port of [13_316, 13_325, 9000]) {
        await getsIn(scene, { client_id: mcpc.client_id, redirect_uri: `http://127.0.0.1:${port}/callback` });
      }
    },
  }),
  row({
    client: "MCP Debugger",
    habit: "documents codes alone: gets no refresh token unless it asks to stay",
    source: "https://github.com/giantswarm/mcp-debug/issues/61",
    run: async (scene, sites) => {
      sites.serve(mcpDebug.client_id, mcpDebug);
      const at = { client_id: mcpDebug.client_id, redirect_uri: "http://localhost:8765/callback" };
      expect((await getsIn(scene, at)).refresh_token).toBeUndefined();
    },
  }),
  row({
    client: "partners of PostHog",
    habit: "have a document on one domain and a callback on another",
    source: "https://github.com/PostHog/posthog.com/pull/18204",
    run: async (scene, sites) => {
      const redirect_uri = "https://callbacks.example/oauth";
      sites.serve(claude.client_id, { ...claude, redirect_uris: [redirect_uri] });
      await getsIn(scene, { client_id: claude.client_id, redirect_uri });
    },
  }),
  row({
    client: "ChatGPT",
    habit: "signs assertions, with keys on its site, which stops giving them",
    source: "https://github.com/engram-app/Engram/issues/1633",
    run: async (scene, sites) => {
      const key = await SigningKey.generate({ algorithm: "RS256", kid: "cimd-20260428030119" });
      sites.serve(chatGpt.client_id, chatGpt);
      sites.serve(chatGpt.jwks_uri, { keys: [key.jwk] });
      const at = {
        client_id: chatGpt.client_id,
        redirect_uri: "https://chatgpt.com/connector_platform_oauth_redirect",
      };
      const proof = async () => shown(await key.sign(claimsOf(at.client_id, scene.harness.baseUrl, scene.clock)));
      const tokens = await getsIn(scene, at, await proof());
      sites.answer = withheld;
      scene.clock.advanceSeconds(3600);
      expect((await scene.harness.refresh(tokens, await proof())).status).toBe(200);
      expect((await jsonOf(await scene.harness.refresh(tokens))).error, "and no proof, no tokens").toBe(
        "invalid_client",
      );
    },
  }),
  row({
    client: "ChatGPT's applications",
    habit: "have a document of their own each, all with the same keys",
    source: "https://github.com/Altinity/altinity-mcp/issues/118",
    run: async (scene, sites) => {
      const key = await SigningKey.generate({ algorithm: "RS256" });
      sites.serve(chatGpt.jwks_uri, { keys: [key.jwk] });
      for (const id of ["kDmjx77UnKOM", "tU1UVEq8rRTK"]) {
        const client_id = `https://chatgpt.com/oauth/${id}/client.json`;
        const redirect_uri = `https://chatgpt.com/connector/oauth/${id}`;
        sites.serve(client_id, { ...chatGpt, client_id, redirect_uris: [redirect_uri] });
        const proof = await key.sign(claimsOf(client_id, scene.harness.baseUrl, scene.clock));
        await getsIn(scene, { client_id, redirect_uri }, shown(proof));
      }
    },
  }),
  row({
    client: "A client that moved its document",
    habit: "serves one that names another URL, and is refused: nobody vouches for it",
    source: "https://github.com/oauth-wg/draft-ietf-oauth-client-id-metadata-document/pull/2",
    run: async (scene, sites) => {
      const moved = "https://opencode.ai/oauth/client.json";
      sites.serve(moved, openCode);
      expect(await comesFrom(scene, moved, "http://127.0.0.1:19876/callback")).toEqual({ status: 400, location: null });
    },
  }),
  row({
    client: "A client on the operator's own network",
    habit: "names an address or a local name, and is asked for by nobody, proxy or not",
    source: "https://github.com/oauth-wg/draft-ietf-oauth-client-id-metadata-document/pull/49",
    run: async (scene, sites) => {
      for (const id of ["https://169.254.169.254/latest", "https://metadata.google.internal/client.json"]) {
        expect((await comesFrom(scene, id, "http://127.0.0.1:1/callback")).status).toBe(400);
      }
      expect(sites.asked).toEqual([]);
    },
  }),
];
