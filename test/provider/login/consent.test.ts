import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { McpOAuthProviderOptions } from "../../../src/index.ts";
import { type AllowedRequest, Consent } from "../../../src/provider/login/consent.ts";
import { SealedJson } from "../../../src/secrets/sealed-json.ts";
import { configured } from "../../support/configured.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const room = 4_000;
const request = {
  clientId: "app",
  redirectUri: "https://app.example/callback",
  scopes: ["user", "admin"],
  resource: "https://mcp.example/mcp",
};
const upstream = { issuer: "https://login.fake.example" };
const [ada, grace] = ["hash of ada", "hash of grace"];

function browser(secrets: readonly string[] = ["secret"], options: Partial<McpOAuthProviderOptions> = {}) {
  const clock = new ManualClock();
  const consent = new Consent(configured({ consent: { rememberSeconds: 100 }, ...options }, clock));
  let decisions: string | undefined;
  return {
    clock,
    consent,
    memory: (others = secrets) => ({ decisions, secrets: others }),
    remember: (about: AllowedRequest, subject: string, decidedAt = clock.seconds(), at = upstream) => {
      decisions = consent.remember(about, at, { subject, decidedAt }, { decisions, secrets }, room);
      return decisions;
    },
    recall: (about: AllowedRequest, others = secrets, at = upstream) =>
      consent.recall(about, at, { decisions, secrets: others }),
  };
}

describe("a remembered decision", () => {
  it("is about that client, redirect URI, scopes and resource only, in whatever order the scopes are", () => {
    const { clock, remember, recall } = browser();
    expect(recall(request)).toEqual([]);
    remember(request, ada);
    const known = [{ subject: ada, decidedAt: clock.seconds() }];
    expect(recall(request)).toEqual(known);
    expect(recall({ ...request, scopes: ["admin", "user"] })).toEqual(known);
    for (const change of [
      { clientId: "other" },
      { redirectUri: "https://app.example/other" },
      { scopes: ["user"] },
      { scopes: ["adminuser"] },
      { scopes: ["admin user"], clientId: "other" },
      { resource: "https://mcp.example" },
    ]) {
      expect(recall({ ...request, ...change }), JSON.stringify(change)).toEqual([]);
    }
  });

  it.each([
    ["http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback", true],
    ["http://localhost:1", "http://localhost:2", true],
    ["http://localhost:1?x=:1", "http://localhost?x=:1", true],
    ["http://localhost:1/callback", "http://localhost/callback", true],
    ["http://localhost:1/a:1/b", "http://localhost:1/a:2/b", false],
    ["http://localhost:1/callback", "http://127.0.0.1:1/callback", false],
    ["https://app.example:1/callback", "https://app.example:2/callback", false],
    ["http://app.example:1/callback", "http://app.example:2/callback", false],
  ])("of %s counts for %s: %j", (before, after, counts) => {
    const { remember, recall } = browser();
    remember({ ...request, redirectUri: before }, ada);
    expect(recall({ ...request, redirectUri: after })).toHaveLength(counts ? 1 : 0);
  });

  it("counts for as long as it is said, from when it was made", () => {
    const { clock, remember, recall } = browser();
    remember(request, ada);
    clock.advanceSeconds(99.5);
    expect(recall(request)).toHaveLength(1);
    clock.advanceSeconds(0.5);
    expect(recall(request)).toEqual([]);
  });

  it("is one for each person, the latest, and a login carries three of them along", () => {
    const { clock, remember, recall } = browser();
    const now = clock.seconds();
    remember(request, ada, now - 9);
    remember({ ...request, clientId: "other" }, ada, now - 8);
    remember(request, grace, now - 7);
    remember(request, ada, now - 6);
    expect(recall(request)).toEqual([
      { subject: grace, decidedAt: now - 7 },
      { subject: ada, decidedAt: now - 6 },
    ]);
    for (const [index, subject] of ["three", "four"].entries()) remember(request, subject, now - 5 + index);
    expect(recall(request).map(({ subject }) => subject)).toEqual([ada, "three", "four"]);
    expect(recall({ ...request, clientId: "other" })).toEqual([{ subject: ada, decidedAt: now - 8 }]);
  });

  it("is open to this browser only, with any of its secrets, and kept under the first", () => {
    const { clock, remember, recall, memory, consent } = browser(["one", "two"]);
    remember(request, ada);
    expect(recall(request, ["one"])).toHaveLength(1);
    expect(recall(request, ["new", "one"])).toHaveLength(1);
    expect(recall(request, ["two"])).toEqual([]);
    expect(recall(request, [])).toEqual([]);
    expect(consent.remember(request, upstream, { subject: ada, decidedAt: 1 }, memory([]), room)).toBe("");
    const foreign = { decisions: "of somebody's making", secrets: ["one"] };
    expect(consent.recall(request, upstream, foreign)).toEqual([]);
    const decisions = consent.remember(request, upstream, { subject: ada, decidedAt: clock.seconds() }, foreign, room);
    expect(consent.recall(request, upstream, { decisions, secrets: ["one"] })).toHaveLength(1);
  });

  it("is kept where there is just the room for it, and not where there is less", () => {
    const { clock, consent, memory } = browser();
    const decision = { subject: ada, decidedAt: clock.seconds() };
    const { length } = consent.remember(request, upstream, decision, memory(), room);
    expect(consent.remember(request, upstream, decision, memory(), length)).toHaveLength(length);
    expect(consent.remember(request, upstream, decision, memory(), length - 1)).toBe("");
  });

  it("says by whose clock it was made, where that is known", () => {
    const { clock, consent, memory } = browser();
    const decidedAt = clock.seconds();
    for (const decision of [
      { subject: ada, decidedAt },
      { subject: ada, decidedAt, decidedBy: "clock" },
    ]) {
      const decisions = consent.remember(request, upstream, decision, memory(), room);
      expect(consent.recall(request, upstream, { decisions, secrets: ["secret"] })).toStrictEqual([decision]);
    }
  });

  it("is kept as every version of this server keeps it", () => {
    const { clock, consent, memory } = browser();
    const [decidedAt, sealed] = [
      clock.seconds(),
      new SealedJson(configured().keys.derive("remembered consent"), z.unknown()),
    ];
    const known = { subject: ada, decidedAt, decidedBy: "clock" };
    const decisions = consent.remember(request, upstream, known, memory(), room);
    expect(sealed.open(decisions, "secret")).toEqual([["BW8_Ejlw0XjrHB36wvlOU0ahW4dwbo-S", ada, decidedAt, "clock"]]);
  });

  it("gives way to later ones: beyond twenty, and where there is no room", () => {
    const { clock, remember, recall, memory, consent } = browser();
    const now = clock.seconds();
    const about = (index: number) => ({ ...request, clientId: `app-${index}` });
    for (let index = 0; index < 21; index += 1) remember(about(index), ada, now - 50 + index);
    const isKnown = (index: number) => recall(about(index)).length === 1;
    expect(Array.from({ length: 21 }, (_, index) => isKnown(index))).toEqual([false, ...Array(20).fill(true)]);

    const { decisions = "" } = memory();
    expect(consent.shorten(memory(), decisions.length)).toBe(decisions);
    const shorter = consent.shorten(memory(), decisions.length - 1);
    expect(shorter.length).toBeLessThan(decisions.length);
    const left = (content: string) =>
      Array.from({ length: 21 }, (_, index) => index).filter(
        (index) => consent.recall(about(index), upstream, { decisions: content, secrets: ["secret"] }).length > 0,
      );
    expect(left(shorter)).toEqual(Array.from({ length: 19 }, (_, index) => index + 2));
    expect(consent.shorten(memory(), 10)).toBe("");
    expect(consent.shorten({ decisions: undefined, secrets: ["secret"] }, room)).toBe("");
    const crowded = consent.remember(about(99), upstream, { subject: ada, decidedAt: now }, memory(), decisions.length);
    expect(crowded.length).toBeLessThanOrEqual(decisions.length);
    expect(consent.recall(about(99), upstream, { decisions: crowded, secrets: ["secret"] })).toHaveLength(1);
  });

  it("is about one upstream's people: another may give the same subject to somebody else", () => {
    const { remember, recall } = browser();
    remember(request, ada);
    expect(recall(request, ["secret"], { issuer: "https://login.other.example" })).toEqual([]);
  });

  it("is about refresh tokens too, where the request asks for them by offline_access", () => {
    const staying = { ...request, offlineAccess: true } as const;
    for (const [allowed, other] of [
      [request, staying],
      [staying, request],
    ]) {
      if (allowed === undefined || other === undefined) expect.unreachable();
      const { remember, recall } = browser();
      remember(allowed, ada);
      expect(recall(allowed)).toHaveLength(1);
      expect(recall(other)).toEqual([]);
      expect(recall({ ...allowed, scopes: ["user"] })).toEqual([]);
    }
  });

  it.each([
    [["admin"], ["user"], true],
    [["admin"], ["admin", "user"], true],
    [["admin", "user"], ["admin"], true],
    [["user"], ["admin"], false],
    [["user"], ["user", "admin"], false],
  ])("of %j counts for %j where one scope implies the other: %j", (allowed, asked, counts) => {
    const { remember, recall } = browser(["secret"], { scopeImplies: { admin: ["user"] } });
    remember({ ...request, scopes: allowed }, ada);
    expect(recall({ ...request, scopes: asked })).toHaveLength(counts ? 1 : 0);
  });

  it("takes the place of the same person's about the same, and of no other", () => {
    const { clock, memory, remember, consent } = browser();
    const now = clock.seconds();
    remember(request, ada, now - 2);
    remember({ ...request, scopes: ["user"] }, ada, now - 1);
    const { length } = memory().decisions ?? "";
    expect(remember(request, ada, now)).toHaveLength(length);
    expect(consent.recall({ ...request, scopes: ["user"] }, upstream, memory())).toHaveLength(1);
  });
});

describe("a client that somebody in this browser has allowed", () => {
  it("is known by its id and where it gets its answers, whatever was allowed", () => {
    const { clock, consent, memory, remember } = browser();
    const { clientId, redirectUri } = request;
    expect(consent.knows(request, memory())).toBe(false);
    remember({ ...request, scopes: ["user"], resource: "https://mcp.example/other" }, ada);
    expect(consent.knows({ clientId, redirectUri }, memory())).toBe(true);
    remember({ ...request, clientId: "another" }, ada);
    expect(consent.knows({ clientId, redirectUri }, memory())).toBe(true);
    expect(consent.knows({ clientId: "nobody", redirectUri }, memory())).toBe(false);
    expect(consent.knows({ clientId, redirectUri: "https://app.example/other" }, memory())).toBe(false);
    expect(consent.knows({ clientId, redirectUri }, memory(["of another browser"]))).toBe(false);
    clock.advanceSeconds(100);
    expect(consent.knows({ clientId, redirectUri }, memory())).toBe(false);
  });
});
