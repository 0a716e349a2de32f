import { describe, expect, it } from "vitest";
import { z } from "zod";
import { KeyRing, UnsealableError } from "../../src/index.ts";
import { number, optional, record, text, url } from "../../src/records/record.ts";
import { SealedJson } from "../../src/secrets/sealed-json.ts";
import { seal } from "../../src/secrets/sealing.ts";

interface Visit {
  readonly userId: string;
  readonly expiresAt: number;
  readonly returnTo?: URL;
}

const schema = record<Visit>({ userId: text, expiresAt: number, returnTo: optional(url) });
const keys = KeyRing.from("s".repeat(32)).derive("visit");
const visits = new SealedJson(keys, schema);
// No sealed text can have the space in it by chance.
const visit: Visit = { userId: "ada lovelace", expiresAt: 1.5, returnTo: new URL("https://app.example/") };

describe("sealed JSON", () => {
  it("comes back as it was, and shows nothing of itself", () => {
    const sealed = visits.seal(visit, "a browser");
    expect(visits.open(sealed, "a browser")).toStrictEqual(visit);
    expect(sealed).not.toContain(visit.userId);
    expect(Buffer.from(sealed.split(".").at(-1) ?? "", "base64url").toString("latin1")).not.toContain(visit.userId);
  });

  it.each([
    ["bound to something else", visits.seal(visit, "another browser")],
    ["sealed under another key", new SealedJson(KeyRing.from("s".repeat(32)).derive("other"), schema).seal(visit, "a")],
    ["altered", `${visits.seal(visit, "a").slice(0, -4)}AAAA`],
    ["that is none", "ada"],
    ["of another shape", new SealedJson(keys, z.object({ user: z.string() })).seal({ user: "ada" }, "a")],
    ["that is not JSON", seal(keys, "ada", "a")],
  ])("%s is one error, which quotes nothing", (_, sealed) => {
    const open = () => visits.open(sealed, "a");
    expect(open).toThrow(UnsealableError);
    expect(open).not.toThrow(/ada/);
  });

  it("is read by the same rules the first time, when the schema is not compiled yet, and later", () => {
    const ofAnotherShape = seal(keys, '{"userId":1}', "a");
    expect(new SealedJson(keys, schema).open(visits.seal(visit, "a"), "a")).toStrictEqual(visit);
    const fresh = new SealedJson(keys, schema);
    expect(() => fresh.open(ofAnotherShape, "a")).toThrow(UnsealableError);
    for (let time = 0; time < 3; time += 1) {
      expect(fresh.open(visits.seal(visit, "a"), "a")).toStrictEqual(visit);
      expect(() => fresh.open(ofAnotherShape, "a")).toThrow(UnsealableError);
    }
  });

  it("is not made of a value that could not be opened again", () => {
    const untyped = new SealedJson<unknown>(keys, schema);
    expect(() => untyped.seal({ userId: "ada" }, "a")).toThrow(z.core.$ZodError);
  });

  it.each([
    [["a browser"], true],
    [["another", "a browser"], true],
    [["another", "a third", "a browser"], true],
    [["another", "a third"], false],
    [[], false],
  ])("opens with any of %j: %j", (boundTo, opens) => {
    const sealed = visits.seal(visit, "a browser");
    if (opens) expect(visits.openWithAny(sealed, boundTo)).toStrictEqual(visit);
    else expect(() => visits.openWithAny(sealed, boundTo)).toThrow(UnsealableError);
  });
});
