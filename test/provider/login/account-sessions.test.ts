import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createInMemoryRepositories } from "../../../src/index.ts";
import type { AccountHolder } from "../../../src/provider/login/account-login.ts";
import { AccountSessions } from "../../../src/provider/login/account-sessions.ts";
import { accountSessionKey } from "../../../src/records/keys.ts";
import { SealedJson } from "../../../src/secrets/sealed-json.ts";
import { storageKey } from "../../../src/secrets/storage-key.ts";
import { configured } from "../../support/configured.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { recordsOf } from "../../support/records-of.ts";

const holder: AccountHolder = {
  // No sealed text can have the space in it by chance.
  subject: "ada lovelace",
  upstreamIssuer: "https://login.fake.example",
  name: "Ada",
  upstreamLogout: "https://login.fake.example/log-out",
};
const unknown = "a".repeat(43);

function start(options: Parameters<typeof configured>[0] = {}) {
  const clock = new ManualClock();
  // The store's clock stands still, so it is the session that says when it is over.
  const repositories = createInMemoryRepositories({ clock: () => 0 });
  const reads: string[] = [];
  const accountSessions = intercepted(repositories.accountSessions, (run, { method, key }) => {
    reads.push(`${method} ${key}`);
    return run();
  });
  const settings = { repositories: { ...repositories, accountSessions }, account: { sessionSeconds: 100 }, ...options };
  const sessions = new AccountSessions(configured(settings, clock));
  return { clock, reads, repositories, sessions };
}

describe("a session of the account page", () => {
  it.each<[string, AccountHolder, object]>([
    ["all", holder, { name: "Ada", upstreamLogout: "https://login.fake.example/log-out" }],
    ["the least", { ...holder, name: undefined, upstreamLogout: undefined }, {}],
  ])("has of its person what is known: %s", async (_, person, known) => {
    const { clock, sessions, repositories } = start();
    const begun = await sessions.begin(person, "browser");
    const { subject, upstreamIssuer } = holder;
    const id = expect.stringMatching(/^[\w-]{43}$/);
    const expiresAt = clock.seconds(100);
    expect(begun).toStrictEqual({ subject, upstreamIssuer, ...known, expiresAt, id });
    expect(await sessions.find(begun.id, ["browser"])).toStrictEqual(begun);
    const [[key, record] = []] = await recordsOf(repositories.accountSessions);
    expect([key, record]).toEqual([accountSessionKey(begun.id), { sealed: expect.any(String), expiresAt }]);
    expect(JSON.stringify(record)).not.toContain(holder.subject);
  });

  it("is over after its time, whatever a writer of the store says", async () => {
    const { clock, repositories, sessions } = start();
    const { id } = await sessions.begin(holder, "browser");
    const [[key, record] = expect.unreachable()] = await recordsOf(repositories.accountSessions);
    await repositories.accountSessions.set(key, { ...record, expiresAt: clock.seconds(1000) });
    clock.advanceSeconds(99.5);
    expect(await sessions.find(id, ["browser"])).toMatchObject({ subject: holder.subject });
    clock.advanceSeconds(0.5);
    expect(await sessions.find(id, ["browser"])).toBeUndefined();
  });

  it("is over once it is ended, and no other is", async () => {
    const { sessions } = start();
    const [one, other] = [await sessions.begin(holder, "browser"), await sessions.begin(holder, "browser")];
    await sessions.end(one);
    expect(await sessions.find(one.id, ["browser"])).toBeUndefined();
    expect(await sessions.find(other.id, ["browser"])).toEqual(other);
  });

  it("is open to its browser only, by any of the browser's secrets", async () => {
    const { sessions } = start();
    const { id } = await sessions.begin(holder, "browser");
    expect(await sessions.find(id, ["new", "browser"])).toMatchObject({ id });
    for (const secrets of [[], ["new"], [""]]) expect(await sessions.find(id, secrets)).toBeUndefined();
  });

  it("is open by its own id only, also where its record is in another's place", async () => {
    const { repositories, sessions } = start();
    await sessions.begin(holder, "browser");
    const [[, record] = expect.unreachable()] = await recordsOf(repositories.accountSessions);
    await repositories.accountSessions.set(accountSessionKey(unknown), record);
    expect(await sessions.find(unknown, ["browser"])).toBeUndefined();
  });

  it.each([undefined, "", "a".repeat(42), "a".repeat(44), `${"a".repeat(42)}!`, `!${"a".repeat(43)}`, `${unknown}=`])(
    "costs no read where its id is %j",
    async (id) => {
      const { reads, sessions } = start();
      expect(await sessions.find(id, ["browser"])).toBeUndefined();
      expect(reads).toEqual([]);
    },
  );

  it("costs one where the id is one of none that is there", async () => {
    const { reads, sessions } = start();
    expect(await sessions.find(unknown, ["browser"])).toBeUndefined();
    expect(reads).toEqual([`get ${accountSessionKey(unknown)}`]);
  });

  it("is sealed as every version of this server seals it, and so is what its pages carry", async () => {
    const { repositories, sessions } = start();
    const session = await sessions.begin(holder, "browser");
    const [[, record] = expect.unreachable()] = await recordsOf(repositories.accountSessions);
    const { keys } = configured();
    const place = JSON.stringify([session.id, "browser"]);
    const { id: _, ...sealed } = session;
    expect(new SealedJson(keys.derive("account session"), z.unknown()).open(record.sealed, place)).toEqual(sealed);
    const notice = sessions.sealNotice(session, { done: "ended" });
    const notices = new SealedJson(keys.derive("account notice"), z.unknown());
    expect(notices.open(notice, session.id)).toEqual({ done: "ended" });
    expect(sessions.formToken(session)).toBe(storageKey("account form", session.id));
  });

  it("says which key is missing where another instance has sealed it", async () => {
    const { repositories, sessions } = start();
    const { id } = await sessions.begin(holder, "browser");
    const secret = "another secret, which is long enough too";
    const others = new AccountSessions(configured({ repositories, secret }));
    const [[, record] = expect.unreachable()] = await recordsOf(repositories.accountSessions);
    const missing = { code: "ERR_UNSEALABLE", keyId: record.sealed.split(".")[1] };
    await expect(others.find(id, ["browser"])).rejects.toMatchObject(missing);
  });
});

describe("a page of a session", () => {
  it("has a form of its own, which tells nothing of the session's id", async () => {
    const { sessions } = start();
    const [one, other] = [await sessions.begin(holder, "browser"), await sessions.begin(holder, "browser")];
    const form = sessions.formToken(one);
    expect(sessions.isOwnForm(one, form)).toBe(true);
    for (const shown of [undefined, "", one.id, sessions.formToken(other)]) {
      expect(sessions.isOwnForm(one, shown), shown).toBe(false);
    }
    expect(form).not.toContain(one.id);
  });

  it("says what was done, in this session only and in the words of this server", async () => {
    const { sessions } = start();
    const [one, other] = [await sessions.begin(holder, "browser"), await sessions.begin(holder, "browser")];
    for (const done of ["ended", "login-ended", "all-ended", "nothing"] as const) {
      for (const notice of [{ done }, { done, client: "Scribe" }]) {
        const sealed = sessions.sealNotice(one, notice);
        expect(sessions.openNotice(one, sealed)).toEqual(notice);
        expect(sessions.openNotice(other, sealed)).toBeUndefined();
      }
    }
    for (const sealed of [undefined, "", "of somebody's making"]) {
      expect(sessions.openNotice(one, sealed)).toBeUndefined();
    }
  });
});
