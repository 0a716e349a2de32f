import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import type { IssuedTokens, ProviderHarness } from "../../support/provider-harness.ts";
import type { Habit } from "./habit.ts";

/** Refreshes, which has to go well. */
async function refreshed(harness: ProviderHarness, tokens: IssuedTokens): Promise<IssuedTokens> {
  const answer = await harness.refresh(tokens);
  expect(answer.status).toBe(200);
  return { ...tokens, ...(await jsonOf(answer)) };
}

/** Whether the login of these tokens goes on: their refresh token gives an access token that is good. */
async function goesOn(harness: ProviderHarness, tokens: IssuedTokens): Promise<void> {
  expect(await harness.mcpStatus((await refreshed(harness, tokens)).access_token)).toBe(200);
}

/** What a token request was refused with. */
const errorOf = async (answer: Response) => [answer.status, (await jsonOf(answer)).error];

const claudeCode = "Claude Code";

/** What clients do with refresh tokens and codes, those of several processes above all. */
export const refreshHabits: readonly Habit[] = [
  {
    client: claudeCode,
    habit: "shares one refresh token among processes that wake minutes apart",
    source: "https://github.com/anthropics/claude-code/issues/91641",
    run: async ({ harness, clock }) => {
      const shared = await harness.tokens();
      clock.advanceSeconds(3_600);
      const answers = [];
      for (const minutes of [0, 3, 11, 45]) {
        clock.advanceSeconds(minutes * 60);
        answers.push(await refreshed(harness, shared));
      }
      expect(new Set(answers.map(({ refresh_token }) => refresh_token)).size).toBe(1);
      for (const { access_token } of answers) expect(await harness.mcpStatus(access_token)).toBe(200);
      await goesOn(harness, answers[0] ?? shared);
    },
  },
  {
    client: claudeCode,
    habit: "has processes that race the refresh of one token at the same moment",
    source: "https://github.com/anthropics/claude-code/issues/84440",
    run: async ({ harness, clock }) => {
      const shared = await harness.tokens();
      clock.advanceSeconds(3_600);
      const answers = await Promise.all(Array.from({ length: 5 }, () => refreshed(harness, shared)));
      expect(new Set(answers.map(({ refresh_token }) => refresh_token)).size).toBe(1);
      await goesOn(harness, answers[0] ?? shared);
    },
  },
  {
    client: claudeCode,
    habit: "has no lock between processes, so one refreshes seconds after another has used the successor",
    source: "https://github.com/anthropics/claude-code/issues/85236",
    run: async ({ harness, clock }) => {
      const shared = await harness.tokens();
      const second = await refreshed(harness, shared);
      const third = await refreshed(harness, second);
      clock.advanceSeconds(25);
      expect((await refreshed(harness, shared)).refresh_token).toBe(second.refresh_token);
      await goesOn(harness, third);
    },
  },
  {
    client: claudeCode,
    habit: "uses a token again four days after it was refreshed, and no other process has refreshed since",
    source: "https://github.com/anthropics/claude-code/issues/66210",
    run: async ({ harness, clock }) => {
      const shared = await harness.tokens();
      const second = await refreshed(harness, shared);
      clock.advanceSeconds(4 * 86_400);
      const late = await refreshed(harness, shared);
      expect(late.refresh_token).toBe(second.refresh_token);
      await goesOn(harness, late);
    },
  },
  {
    client: "OpenCode",
    habit: "has seven processes, each of which refreshes on a 401 by itself, around the clock",
    source: "https://github.com/anomalyco/opencode/issues/49439",
    options: { accessTokenLifetimeSeconds: 300 },
    run: async ({ harness, clock }) => {
      let shared = await harness.tokens();
      for (let round = 0; round < 12; round += 1) {
        clock.advanceSeconds(300);
        const answers = await Promise.all(Array.from({ length: 7 }, () => refreshed(harness, shared)));
        expect(new Set(answers.map(({ access_token }) => access_token)).size).toBe(1);
        shared = answers[round % 7] ?? shared;
      }
      expect(await harness.mcpStatus(shared.access_token)).toBe(200);
    },
  },
  {
    client: "OpenCode",
    habit: "refreshes once for each tool call that runs at the same time",
    source: "https://github.com/anomalyco/opencode/issues/34074",
    run: async ({ harness, clock }) => {
      const tokens = await harness.tokens();
      clock.advanceSeconds(3_601);
      const answers = await Promise.all([1, 2, 3].map(() => refreshed(harness, tokens)));
      for (const answer of answers) expect(await harness.mcpStatus(answer.access_token)).toBe(200);
    },
  },
  {
    client: "two builds of one native client",
    habit: "share a key chain, and refresh 13 milliseconds apart",
    source: "https://github.com/HQBase/hqbase/issues/41",
    run: async ({ harness, clock }) => {
      const tokens = await harness.tokens();
      const one = await refreshed(harness, tokens);
      clock.advanceSeconds(0.013);
      const other = await refreshed(harness, tokens);
      expect([other.access_token, other.refresh_token]).toEqual([one.access_token, one.refresh_token]);
      await goesOn(harness, other);
    },
  },
  {
    client: "clients behind FastMCP's proxy",
    habit: "retry a refresh a couple of minutes after an answer that was lost",
    source: "https://github.com/PrefectHQ/fastmcp/issues/4901",
    run: async ({ harness, clock }) => {
      const tokens = await harness.tokens();
      await harness.refresh(tokens);
      clock.advanceSeconds(150);
      await goesOn(harness, await refreshed(harness, tokens));
    },
  },
  {
    client: "pi",
    habit: "starts a burst of headless sessions, of which a slow one refreshes last",
    source: "https://github.com/earendil-works/pi/issues/9563",
    run: async ({ harness, clock }) => {
      const shared = await harness.tokens();
      const first = await refreshed(harness, shared);
      for (let session = 0; session < 10; session += 1) {
        clock.advanceSeconds(10);
        expect((await refreshed(harness, shared)).refresh_token).toBe(first.refresh_token);
      }
      await goesOn(harness, first);
    },
  },
  {
    client: "clients of several processes, at an operator who allows for them",
    habit: "show a token long after another process has used its successor",
    source: "https://github.com/anthropics/claude-code/issues/74250",
    options: { onRefreshReuse: "refuse" },
    run: async ({ harness, clock }) => {
      const shared = await harness.tokens();
      const third = await refreshed(harness, await refreshed(harness, shared));
      clock.advanceSeconds(86_400);
      expect(await errorOf(await harness.refresh(shared))).toEqual([400, "invalid_grant"]);
      await goesOn(harness, third);
    },
  },
  {
    client: "a thief of a refresh token",
    habit: "shows it after its client has gone on: the login ends for both",
    source: "https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2",
    run: async ({ harness, clock }) => {
      const stolen = await harness.tokens();
      const third = await refreshed(harness, await refreshed(harness, stolen));
      clock.advanceSeconds(31);
      expect(await errorOf(await harness.refresh(stolen))).toEqual([400, "invalid_grant"]);
      expect(await errorOf(await harness.refresh(third))).toEqual([400, "invalid_grant"]);
      expect(await harness.mcpStatus(third.access_token)).toBe(401);
    },
  },
  {
    client: "a client that narrows a refresh",
    habit: "asks for less at one refresh and has everything at the next",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-6",
    run: async ({ harness }) => {
      const tokens = await harness.tokens({ scope: "user admin" });
      const narrow = await jsonOf(await harness.refresh(tokens, { scope: "user" }));
      expect(narrow.scope).toBe("user");
      expect((await refreshed(harness, { ...tokens, ...narrow })).scope).toBe("user admin");
    },
  },
  {
    client: "a client with a wrong resource",
    habit: "redeems its code for a wrong resource first, and then for the right one",
    source: "https://www.rfc-editor.org/rfc/rfc8707#section-2.2",
    run: async ({ harness }) => {
      const code = await harness.codeFor((await harness.register()).client_id);
      const wrong = await harness.redeem(code, { resource: "https://other.example/mcp" });
      expect(await errorOf(wrong)).toEqual([400, "invalid_target"]);
      expect((await harness.redeem(code)).status).toBe(200);
    },
  },
  {
    client: "a client with a wrong verifier",
    habit: "redeems its code with the verifier of another window first",
    source: "https://www.rfc-editor.org/rfc/rfc7636#section-4.6",
    run: async ({ harness }) => {
      const { client_id } = await harness.register();
      const [code, other] = [await harness.codeFor(client_id), await harness.codeFor(client_id)];
      expect(await errorOf(await harness.redeem({ ...code, verifier: other.verifier }))).toEqual([
        400,
        "invalid_grant",
      ]);
      expect((await harness.redeem(code)).status).toBe(200);
      expect((await harness.redeem(other)).status).toBe(200);
    },
  },
  {
    client: "a native client on a new port",
    habit: "redeems its code with the redirect URI of another run first",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3",
    run: async ({ harness }) => {
      const code = await harness.codeFor((await harness.register()).client_id);
      const wrong = await harness.redeem(code, { redirect_uri: "http://127.0.0.1:5000/callback" });
      expect(await errorOf(wrong)).toEqual([400, "invalid_grant"]);
      expect((await harness.redeem(code)).status).toBe(200);
    },
  },
  {
    client: "a confidential client with an old secret",
    habit: "tries its old secret, and then the one of its registration",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
    run: async ({ harness }) => {
      const { client_id, client_secret = "" } = await harness.register({
        token_endpoint_auth_method: "client_secret_post",
      });
      const code = await harness.codeFor(client_id);
      const wrong = await harness.redeem(code, { client_secret: "pmcp_cs_of-last-year" });
      expect(await errorOf(wrong)).toEqual([401, "invalid_client"]);
      expect((await harness.redeem(code, { client_secret })).status).toBe(200);
    },
  },
  {
    client: "a client that keeps two registrations",
    habit: "redeems a code with the other one's id first",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3",
    run: async ({ harness }) => {
      const [one, other] = [await harness.register(), await harness.register()];
      const code = await harness.codeFor(one.client_id);
      const wrong = await harness.redeem({ ...code, clientId: other.client_id });
      expect(await errorOf(wrong)).toEqual([400, "invalid_grant"]);
      expect((await harness.redeem(code)).status).toBe(200);
    },
  },
  {
    client: "a client that sends a code twice",
    habit: "redeems a code that it has used: the login ends",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2",
    run: async ({ harness }) => {
      const tokens = await harness.tokens();
      expect(await errorOf(await harness.redeem(tokens))).toEqual([400, "invalid_grant"]);
      expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    },
  },
  {
    client: "a client with a wrong refresh request",
    habit: "refreshes for a wrong resource first, and then for the right one",
    source: "https://www.rfc-editor.org/rfc/rfc8707#section-2.2",
    run: async ({ harness }) => {
      const tokens = await harness.tokens();
      const wrong = await harness.refresh(tokens, { resource: "https://other.example/mcp" });
      expect(await errorOf(wrong)).toEqual([400, "invalid_target"]);
      await goesOn(harness, tokens);
    },
  },
];
