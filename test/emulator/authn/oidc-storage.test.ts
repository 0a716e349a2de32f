import { expect, test } from "vitest";
import { OidcStorage } from "../../../src/emulator/authn/oidc-storage.ts";

test("expired records go without being asked for", async () => {
  let now = 1_000_000;
  const storage = new OidcStorage(() => now);
  const tokens = storage.adapter("AccessToken");
  for (let index = 0; index < 100; index += 1) await tokens.upsert(`old-${index}`, { accountId: "ada" }, 10);

  now += 120_000;
  await tokens.upsert("new", { accountId: "ada" }, 10);

  expect(storage.size).toBe(1);
});

test("a record is gone in the millisecond in which it expires", async () => {
  let now = 1_000_000;
  const storage = new OidcStorage(() => now);
  const tokens = storage.adapter("AccessToken");
  await tokens.upsert("token", { accountId: "ada" }, 10);

  now += 9_999;
  expect(await tokens.find("token")).toMatchObject({ accountId: "ada" });
  now += 1;
  expect(await tokens.find("token")).toBeUndefined();
});

test("a stored record does not follow changes to what was stored or read", async () => {
  const tokens = new OidcStorage(Date.now).adapter("AccessToken");
  const payload = { accountId: "ada", policies: ["read"] };
  await tokens.upsert("token", payload, 10);

  payload.policies.push("admin");
  (await tokens.find("token"))?.policies?.push("admin");

  expect(await tokens.find("token")).toMatchObject({ policies: ["read"] });
});

test("models do not see each other's records", async () => {
  const storage = new OidcStorage(Date.now);
  await storage.adapter("AccessToken").upsert("id", { accountId: "ada" }, 10);

  expect(await storage.adapter("RefreshToken").find("id")).toBeUndefined();
});

test("a session is found by its uid until it is destroyed", async () => {
  const sessions = new OidcStorage(Date.now).adapter("Session");
  await sessions.upsert("id", { uid: "uid", accountId: "ada" }, 10);

  expect(await sessions.findByUid("uid")).toMatchObject({ accountId: "ada" });
  await sessions.destroy("id");
  expect(await sessions.findByUid("uid")).toBeUndefined();
});

test("a session that gets a new id is found by the same uid", async () => {
  const sessions = new OidcStorage(Date.now).adapter("Session");
  await sessions.upsert("old", { uid: "uid", accountId: "ada" }, 10);

  await sessions.upsert("new", { uid: "uid", accountId: "grace" }, 10);
  await sessions.destroy("old");

  expect(await sessions.findByUid("uid")).toMatchObject({ accountId: "grace" });
});

test("revoking a grant takes the records of that model and grant alone", async () => {
  const storage = new OidcStorage(Date.now);
  const tokens = storage.adapter("AccessToken");
  await tokens.upsert("one", { grantId: "a" }, 10);
  await tokens.upsert("two", { grantId: "b" }, 10);
  await storage.adapter("RefreshToken").upsert("three", { grantId: "a" }, 10);

  await tokens.revokeByGrantId("a");

  expect(await tokens.find("one")).toBeUndefined();
  expect(await tokens.find("two")).toBeDefined();
  expect(await storage.adapter("RefreshToken").find("three")).toBeDefined();
});
