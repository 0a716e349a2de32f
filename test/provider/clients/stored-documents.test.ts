import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, OAuthError, type ProviderRepositories } from "../../../src/index.ts";
import type { ClientDocument } from "../../../src/provider/client-documents/client-documents.ts";
import { SiteFailure } from "../../../src/provider/client-documents/document-failure.ts";
import { KeptDocuments } from "../../../src/provider/clients/kept-documents.ts";
import { recordKey } from "../../../src/records/keys.ts";
import type { OAuthClientInformation } from "../../../src/records/oauth-client-information.ts";
import { failingOnce, intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { silentReporter } from "../../support/silent-reporter.ts";

const day = 86_400;
const maxStaleSeconds = 7 * day;
const clientId = "https://client.example/client.json";
const key = recordKey("client", "document", clientId);
const information = { client_id: clientId, redirect_uris: ["https://client.example/callback"] };

let clock: ManualClock;
let calls: string[];
let flaky: ReturnType<typeof failingOnce<OAuthClientInformation>>;
let repositories: ProviderRepositories;
/** What this instance has of the client, and what its site says. */
let known: ClientDocument | undefined;
let site: () => ClientDocument | undefined;
/** Tells whoever has asked that the client's document was found gone. */
let withdraw: (clientId: string, askedAt: number) => Promise<void>;
beforeEach(() => {
  clock = new ManualClock();
  calls = [];
  const inner = createInMemoryRepositories({ clock: clock.read });
  flaky = failingOnce(inner.clients);
  const clients = intercepted(flaky.repository, (run, { method }) => {
    calls.push(method);
    return run();
  });
  repositories = { ...inner, clients };
  known = undefined;
  site = () => {
    throw new SiteFailure("temporarily_unavailable", "The test switched the site off.");
  };
});

const documentOf = (changes: Partial<OAuthClientInformation> = {}, fetchedAt = clock.read()): ClientDocument => ({
  information: { ...information, ...changes },
  domain: "client.example",
  fetchedAt,
});

function keptDocuments(maxStale: number | undefined = maxStaleSeconds): KeptDocuments {
  const documents = maxStale === 0 ? {} : { maxStaleSeconds: maxStale };
  return new KeptDocuments(
    { instanceClockTolerance: 120, reporter: silentReporter(), repositories, documents },
    {
      find: async () => site(),
      known: () => known,
      adopt: (adopted, fetchedAt) => ({ information: adopted, domain: "adopted", fetchedAt }),
      whenWithdrawn: (listener) => {
        withdraw = listener;
      },
    },
  );
}

const stored = () => repositories.clients.get(key);

describe("a document of a client that somebody has logged in with", () => {
  it("is stored for as long as it may stand in, and again when it is another one or a day younger", async () => {
    const documents = keptDocuments();
    await documents.keep(clientId);
    expect(calls, "nothing is known of it").toEqual([]);
    clock.advance(700);
    known = documentOf();
    const expiresAt = Math.floor(clock.seconds()) + maxStaleSeconds;
    for (let times = 0; times < 2; times += 1) await documents.keep(clientId);
    expect(calls).toEqual(["set"]);
    expect(await stored()).toStrictEqual({ ...information, expiresAt });
    calls.length = 0;
    known = documentOf({ client_name: "New" });
    await documents.keep(clientId);
    expect(calls).toEqual(["set"]);
    known = documentOf({ client_name: "New" }, clock.read() + day * 1_000 - 1);
    await documents.keep(clientId);
    expect(calls).toEqual(["set"]);
    known = documentOf({ client_name: "New" }, clock.read() + day * 1_000);
    await documents.keep(clientId);
    expect(calls).toEqual(["set", "set"]);
    expect(await stored()).toStrictEqual({ ...information, client_name: "New", expiresAt: expiresAt + day });
  });

  it("is not stored where none may stand in", async () => {
    known = documentOf();
    await keptDocuments(0).keep(clientId);
    expect(calls).toEqual([]);
  });

  it("is stored by the next login where the store fails, which is told of", async () => {
    known = documentOf();
    const documents = keptDocuments();
    const outages = heard("outage");
    flaky.failNext("set", "before");
    await documents.keep(clientId);
    expect(outages.stop()).toMatchObject([{ code: "ERR_STORAGE_TIMEOUT" }]);
    await documents.keep(clientId);
    expect(await stored()).toMatchObject(information);
  });

  it("is known from this instance, or else from the store", async () => {
    const documents = keptDocuments();
    expect(await documents.kept(clientId)).toBeUndefined();
    await repositories.clients.set(key, { ...information, client_name: "Stored", expiresAt: clock.seconds(day) });
    expect(await documents.kept(clientId)).toMatchObject({ client_name: "Stored" });
    expect(await keptDocuments(0).kept(clientId)).toBeUndefined();
    known = documentOf({ client_name: "Known" });
    calls.length = 0;
    expect(await documents.kept(clientId)).toMatchObject({ client_name: "Known" });
    expect(calls).toEqual([]);
    known = undefined;
    const outages = heard("outage");
    flaky.failNext("get", "before");
    expect(await documents.kept(clientId)).toBeUndefined();
    expect(outages.stop()).toMatchObject([{ code: "ERR_STORAGE_TIMEOUT" }]);
  });
});

describe("a client that is looked for", () => {
  const store = (changes: Partial<OAuthClientInformation> = {}) =>
    repositories.clients.set(key, { ...information, expiresAt: clock.seconds(maxStaleSeconds - 60), ...changes });

  it("is what its site says, whatever is stored", async () => {
    await store({ client_name: "Stored" });
    const current = documentOf();
    for (const said of [current, undefined]) {
      site = () => said;
      expect(await keptDocuments().find(clientId)).toBe(said);
    }
  });

  it("is what is stored where its site fails, as old as it is", async () => {
    await store();
    expect(await keptDocuments().find(clientId)).toStrictEqual({
      information,
      domain: "adopted",
      fetchedAt: clock.read() - 60_000,
    });
  });

  it.each<[string, Partial<OAuthClientInformation> | undefined, number]>([
    ["nothing is stored", undefined, maxStaleSeconds],
    ["what is stored is of another client", { client_id: "https://other.example/client.json" }, maxStaleSeconds],
    ["none may stand in", {}, 0],
  ])("is as out as its site where %s", async (_, changes, maxStale) => {
    if (changes !== undefined) await store(changes);
    await expect(keptDocuments(maxStale).find(clientId)).rejects.toBeInstanceOf(SiteFailure);
  });

  it("is as out as its site where what is stored has no end", async () => {
    await repositories.clients.set(key, information);
    await expect(keptDocuments().find(clientId)).rejects.toBeInstanceOf(SiteFailure);
  });

  it("is refused where its document is, whatever is stored", async () => {
    await store();
    const refusal = new OAuthError("invalid_client", "The test refuses the document.");
    site = () => {
      throw refusal;
    };
    await expect(keptDocuments().find(clientId)).rejects.toBe(refusal);
  });
});

describe("the copy of a document that its client has withdrawn", () => {
  const clockTolerance = 120;
  /** A copy of a document that was fetched so many seconds from now. */
  const store = (seconds: number) =>
    repositories.clients.set(key, { ...information, expiresAt: clock.seconds(maxStaleSeconds + seconds) });

  it("is removed, where copies are kept", async () => {
    await store(0);
    calls.length = 0;
    keptDocuments(0);
    await withdraw(clientId, clock.read());
    expect(calls).toEqual([]);
    keptDocuments();
    await withdraw(clientId, clock.read());
    expect(calls).toEqual(["delete"]);
    expect(await stored()).toBeUndefined();
  });

  it.each([
    ["is from before", -1, false],
    ["may be from before, by the clock of another instance", clockTolerance, false],
    ["is from after it, whatever the clocks say", clockTolerance + 1, true],
  ])("does not come back with what another instance has: one that %s", async (_, seconds, counts) => {
    const documents = keptDocuments();
    await withdraw(clientId, clock.read());
    await store(seconds);
    if (counts) expect(await documents.find(clientId)).toMatchObject({ information });
    else await expect(documents.find(clientId)).rejects.toBeInstanceOf(SiteFailure);
    expect((await stored()) !== undefined).toBe(counts);
  });

  it("counts again once the client's site has given the document again", async () => {
    const documents = keptDocuments();
    await withdraw(clientId, clock.read());
    const off = site;
    site = () => documentOf();
    await documents.find(clientId);
    site = off;
    await store(0);
    expect(await documents.find(clientId)).toMatchObject({ information });
  });

  it.each([
    ["is from before", 0, ["delete", "set", "delete"]],
    ["is from after it", (clockTolerance + 1) * 1000, ["delete", "set"]],
  ])("is removed again behind a login that stores what %s", async (_, later, made) => {
    const documents = keptDocuments();
    await withdraw(clientId, clock.read());
    known = documentOf({}, clock.read() + later);
    await documents.keep(clientId);
    expect(calls).toEqual(made);
    expect((await stored()) !== undefined).toBe(later > 0);
  });

  it("is stored again as it was once the client's site gives it again", async () => {
    const documents = keptDocuments();
    await withdraw(clientId, clock.read());
    known = documentOf();
    await documents.keep(clientId);
    expect(await stored()).toBeUndefined();
    site = () => documentOf();
    await documents.find(clientId);
    await documents.keep(clientId);
    expect(await stored()).toMatchObject(information);
  });

  it("is stored anew by the next login, where the client has given it again", async () => {
    const documents = keptDocuments();
    known = documentOf();
    await documents.keep(clientId);
    flaky.failNext("delete", "before");
    const outages = heard("outage");
    await withdraw(clientId, clock.read() - day * 1000);
    expect(outages.stop()).toHaveLength(1);
    await documents.keep(clientId);
    expect(calls).toEqual(["set", "delete", "set"]);
  });

  it("is removed by who looks for the client next, once, where the store has failed", async () => {
    await store(0);
    const documents = keptDocuments();
    const outages = heard("outage");
    flaky.failNext("delete", "before");
    await withdraw(clientId, clock.read());
    flaky.failNext("delete", "before");
    site = () => undefined;
    await documents.find(clientId);
    expect(outages.stop()).toMatchObject(Array(2).fill({ code: "ERR_STORAGE_TIMEOUT" }));
    expect(await stored()).toBeDefined();
    calls.length = 0;
    await documents.find(clientId);
    expect(await stored()).toBeUndefined();
    await documents.find(clientId);
    expect(calls.filter((call) => call === "delete")).toHaveLength(1);
  });
});
