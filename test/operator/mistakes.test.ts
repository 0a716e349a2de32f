import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { setUp } from "../support/set-up.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { rendered } from "./mistake.ts";
import { mistakesIn, registeredBaseUrl } from "./mistakes.ts";

const client = {
  clientId: "psa_emulatoremulatoremulatoremulator",
  clientSecret: "pck_emulatoremulatoremulatoremulator",
  scopes: ["user"],
};
const emulator = useEmulator({
  tokens: ["pts_right"],
  oauthClients: [{ ...client, redirectUris: [`${registeredBaseUrl}/pangea/callback`] }],
});
let redis: RedisServer;
setUp("file", async (parts) => {
  redis = parts.use(await startRedisServer(["--requirepass", "right"]));
});

const guide = new URL("../../docs/troubleshooting.md", import.meta.url);
const mistakes = mistakesIn({ emulator, redis: () => redis });

describe("the commonest mistakes", () => {
  it("are sixteen", () => {
    expect(mistakes).toHaveLength(16);
    expect(new Set(mistakes.map(({ name }) => name)).size).toBe(16);
  });

  it.each(mistakes)("$name: somebody reads what to do, and the guide shows what everybody reads", async (mistake) => {
    const readings = await mistake.make();
    const { person, client: got, operator, findings = [] } = readings;
    const everything = [person, got, ...operator].join("\n");
    expect(everything).toMatch(mistake.remedy);
    expect(everything).not.toMatch(/pmcp_|pck_|pts_|psa_|:wrong@|undefined|\[object/);
    if (mistake.check !== undefined) {
      const found = findings.find(({ check, status }) => check === mistake.check && status !== "ok");
      expect(found, JSON.stringify(findings, undefined, 1)).toMatchObject({
        what: expect.stringMatching(/\.$|\)$/),
        why: expect.any(String),
        remedy: expect.any(String),
      });
    }
    const shown = rendered(mistake, readings);
    if (process.env.UPDATE_GUIDE !== undefined) replaceInGuide(mistake.name, shown);
    expect(readFileSync(guide, "utf8")).toContain(`${shown}\n`);
  });
});

/** Writes the section anew: `UPDATE_GUIDE=1 npx vitest run test/operator`. */
function replaceInGuide(name: string, shown: string): void {
  const text = readFileSync(guide, "utf8");
  const begin = text.indexOf(`### ${name}\n`);
  if (begin < 0) throw new Error(`The guide has no section "${name}".`);
  const next = text.slice(begin + 4).search(/^##/m);
  const end = next < 0 ? text.length : begin + 4 + next;
  writeFileSync(guide, `${text.slice(0, begin)}${shown}\n${next < 0 ? "" : "\n"}${text.slice(end)}`);
}
