import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KeyRing } from "../../../src/index.ts";
import { OperatorGrants } from "../../../src/provider/grants/operator-grants.ts";
import { createSqliteRepositories } from "../../../src/sqlite.ts";
import { type AccountServer, accountServer } from "../../support/account-server.ts";
import { fastDisk } from "../../support/fast-disk.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { recordsOf } from "../../support/records-of.ts";

const [old, fresh] = ["the old secret of the test's storage", "the new secret of the test's storage"];
const notAll = "Not everything can be shown at the moment: there may be more.";
const clock = new ManualClock();

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(fastDisk(), "account-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const storeWith = (...secrets: [string, ...string[]]) =>
  createSqliteRepositories(join(directory, "state.db"), { keys: KeyRing.from(secrets), clock: clock.read });

/** An instance that has these secrets for the store. Requests have come to it. */
async function instance(secrets: [string, ...string[]], baseUrl = "https://mcp.example/notes") {
  const repositories = storeWith(...secrets);
  const server = accountServer({ repositories, clock: clock.read, baseUrl });
  await server.harness.get("/.well-known/oauth-authorization-server");
  return { ...server, repositories };
}

/** Two instances in the middle of a rotation, and a login at each. */
async function inRotation() {
  const [ahead, behind] = [await instance([fresh, old]), await instance([old])];
  const scribe = await behind.register("Scribe");
  const sealedByOld = await behind.allow(scribe);
  const sealedByNew = await ahead.allow(scribe);
  return { ahead, behind, scribe, sealedByOld, sealedByNew };
}

async function signIn({ browser }: AccountServer) {
  const page = browser();
  await page.signIn();
  return page;
}

describe("while an instance has a secret of the store that another one has not got yet", () => {
  it("the list says that there may be more, and the operator reads why", async () => {
    const { ahead, behind } = await inRotation();
    const told = heard("outage");
    const page = await signIn(behind);
    expect(page.text).toContain(notAll);
    expect(page.text).toContain("Scribe");
    expect(told.stop()).toMatchObject([{ code: "ERR_UNREADABLE_RECORDS" }]);
    expect((await signIn(ahead)).text).not.toContain(notAll);
  });

  it("nobody reads that no application has access, where one may have it", async () => {
    const [ahead, behind] = [await instance([fresh, old]), await instance([old])];
    await ahead.allow(await ahead.register("Scribe"));
    const page = await signIn(behind);
    expect(page.text).toContain(notAll);
    expect(page.text).not.toContain("No application may use");
  });

  it.each(["end-all", "end-client"])("%s ends what it can, and says that there may be more", async (action) => {
    const { ahead, behind, scribe, sealedByOld, sealedByNew } = await inRotation();
    const events = [heard("account-access-ended"), heard("account-all-access-ended")];
    const page = await signIn(behind);
    const answer = await page.submit(action, { client: scribe });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("10");
    expect(page.text).toContain("What could be ended is over. There may be more, which cannot be ended at the moment.");
    expect(await ahead.harness.mcpStatus(sealedByOld.access_token)).toBe(401);
    expect(await ahead.harness.mcpStatus(sealedByNew.access_token)).toBe(200);
    expect(events.flatMap((each) => each.stop())).toEqual([]);
    const whole = await signIn(ahead);
    expect((await whole.submit(action, { client: scribe })).status).toBe(200);
    expect(await ahead.harness.mcpStatus(sealedByNew.access_token)).toBe(401);
  });

  it("an operator who ends the person's grants is told that some could not be read", async () => {
    const { ahead, behind, sealedByOld, sealedByNew } = await inRotation();
    const tool = new OperatorGrants(storeWith(old), { clock: clock.read, tell: () => {} });
    const refusal = { code: "ERR_UNREADABLE_RECORDS" };
    await expect(behind.grantsOf("ada")).rejects.toMatchObject(refusal);
    await expect(behind.provider.revokeGrants({ subject: "ada" })).rejects.toMatchObject(refusal);
    await expect(tool.revokeAll({ subject: "ada" })).rejects.toMatchObject(refusal);
    expect(await ahead.harness.mcpStatus(sealedByOld.access_token)).toBe(401);
    expect(await ahead.harness.mcpStatus(sealedByNew.access_token)).toBe(200);
  });
});

describe("what no instance of this server can read opens nothing, and all access was ended", () => {
  it.each([
    [
      "since nobody has its secret any more",
      async () => {
        const gone = await instance([fresh]);
        await gone.allow(await gone.register("Lost"));
        const { keyAnnouncements } = gone.repositories;
        for (const [key] of await recordsOf(keyAnnouncements)) await keyAnnouncements.delete(key);
      },
    ],
    [
      "since another server has sealed it",
      async () => {
        const other = await instance([fresh], "https://other.example/notes");
        await other.allow(await other.register("Other"));
      },
    ],
  ])("%s", async (_, leave) => {
    await leave();
    const server = await instance([old]);
    const { access_token } = await server.allow(await server.register("Scribe"));
    const page = await signIn(server);
    expect(page.text).not.toContain(notAll);
    expect((await page.submit("end-all")).status).toBe(200);
    expect(page.text).toContain("All access was ended.");
    expect(await server.harness.mcpStatus(access_token)).toBe(401);
  });
});
