import { expect } from "vitest";
import type { Habit } from "./habit.ts";

/** What clients do with scopes. */
export const scopeHabits: readonly Habit[] = [
  {
    client: "Claude.ai",
    habit: "sends a scope with a space in front",
    source: "https://github.com/anthropics/claude-ai-mcp/issues/453",
    run: async ({ harness }) => {
      const { client_id } = await harness.register();
      expect((await harness.tokensFor(client_id, { scope: " user" })).scope).toBe("user");
    },
  },
];
