import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import type { Habit, HabitScene } from "./habit.ts";

/** Registers for codes only, asks for a scope, and refreshes for days by what it gets. */
const staying =
  (scope: string, given: string, metadata: Record<string, unknown> = { grant_types: ["authorization_code"] }) =>
  async ({ harness, clock }: HabitScene): Promise<void> => {
    const { client_id } = await harness.register(metadata);
    let tokens = await harness.tokensFor(client_id, { scope });
    for (let hour = 0; hour < 30; hour += 1) {
      expect(tokens.scope).toBe(given);
      expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
      clock.advanceSeconds(3601);
      const answer = await harness.refresh(tokens);
      expect(answer.status).toBe(200);
      tokens = { ...tokens, ...(await jsonOf(answer)) };
    }
  };

/** What clients do to stay logged in. */
export const offlineAccessHabits: readonly Habit[] = [
  {
    client: "Kiro CLI",
    habit: "registers openid email offline_access, and nothing that there is",
    source: "https://github.com/kirodotdev/Kiro/issues/11192",
    run: async ({ harness }) => {
      const scope = "openid email offline_access";
      const answer = await harness.postJson("/register", { redirect_uris: [harness.redirectUri], scope });
      expect([answer.status, (await jsonOf(answer)).scope]).toEqual([201, "user admin offline_access"]);
    },
  },
  {
    client: "Amazon Q CLI",
    habit: "puts openid email profile offline_access into every login link",
    source: "https://github.com/aws/amazon-q-developer-cli/issues/2911",
    run: staying("openid email profile offline_access", "user admin offline_access"),
  },
  {
    client: "Amazon Q for VS Code",
    habit: "registers openid and offline_access and asks for them",
    source: "https://github.com/aws/aws-toolkit-vscode/issues/8512",
    run: async ({ harness }) => {
      const { client_id } = await harness.register({ scope: "openid offline_access" });
      expect((await harness.tokensFor(client_id, { scope: "openid offline_access" })).scope).toBe(
        "user admin offline_access",
      );
    },
  },
  {
    client: "Claude Code",
    habit: "adds offline_access, whether it has registered for refresh tokens or not",
    source: "https://github.com/anthropics/claude-code/issues/41610",
    run: staying("user offline_access", "user offline_access"),
  },
  {
    client: "Codex and others",
    habit: "registers without a scope, and asks for offline_access because the metadata has it",
    source: "https://github.com/ChronoAIProject/NyxID/issues/1217",
    run: staying("user admin offline_access", "user admin offline_access"),
  },
  {
    client: "Copilot CLI",
    habit: "lists no grant types, and stays logged in by offline_access for more than an hour",
    source: "https://github.com/github/copilot-cli/issues/4203",
    run: staying("user offline_access", "user offline_access", { grant_types: undefined }),
  },
  {
    client: "a client that wants nothing but to stay",
    habit: "asks for offline_access alone",
    source: "https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess",
    run: staying("offline_access", "user admin offline_access"),
  },
];
