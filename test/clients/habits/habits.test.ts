import { describe, expect, it } from "vitest";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";
import { askingHabits } from "./asking-habits.ts";
import { browserHabits } from "./browser-habits.ts";
import { credentialHabits } from "./credential-habits.ts";
import { discoveryHabits } from "./discovery-habits.ts";
import { documentHabits } from "./document-habits.ts";
import { lastingHabits } from "./lasting-habits.ts";
import { offlineAccessHabits } from "./offline-access-habits.ts";
import { redirectHabits } from "./redirect-habits.ts";
import { refreshHabits } from "./refresh-habits.ts";
import { registrationHabits } from "./registration-habits.ts";
import { resourceHabits } from "./resource-habits.ts";
import { scopeHabits } from "./scope-habits.ts";
import { scriptHabits } from "./script-habits.ts";

/** What real clients do. A habit is one row in the table of its kind. */
const tables = {
  scopes: scopeHabits,
  "offline access": offlineAccessHabits,
  refresh: refreshHabits,
  registrations: registrationHabits,
  redirects: redirectHabits,
  lasting: lastingHabits,
  resources: resourceHabits,
  documents: documentHabits,
  browser: browserHabits,
  scripts: scriptHabits,
  asking: askingHabits,
  credentials: credentialHabits,
  discovery: discoveryHabits,
};

const emulator = useEmulator({ users: [{ username: "ada@example.com" }, { username: "grace@example.com" }] });

describe.each(Object.entries(tables))("habits: %s", (_, habits) => {
  it.each(habits.map((row) => [`${row.client} ${row.habit}`, row] as const))(
    "%s",
    async (_name, { options, internals, run }) => {
      const clock = new ManualClock();
      const settings = { ...providerOptions(emulator.issuerUrl), clock: clock.read, ...options };
      const harness = new ProviderHarness(settings, internals);
      await run({ harness, clock });
    },
  );
});

const rows = Object.values(tables).flat();

it("each row has a source of its own kind: a public page or a section of an RFC", () => {
  for (const { source } of rows) expect(new URL(source).protocol).toBe("https:");
});

it("no row is there twice", () => {
  expect(new Set(rows.map(({ client, habit }) => `${client} ${habit}`)).size).toBe(rows.length);
});
