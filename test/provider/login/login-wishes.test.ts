import { expect, it } from "vitest";
import { type LoginWishes, readLoginWishes, type WishParameters } from "../../../src/provider/login/login-wishes.ts";

type Sent = Partial<Record<Parameters<WishParameters["get"]>[0], string>>;
const read = (sent: Sent) => readLoginWishes({ get: (name) => sent[name] });

const none: LoginWishes = { asksConsent: false, isSilent: false, asksForAccount: false, hints: {}, upstream: {} };
const hinted = (loginHint: string): Partial<LoginWishes> => ({ hints: { loginHint }, upstream: { loginHint } });
const longest = `${"x".repeat(308)}@example.com`;

it.each<[Sent, Partial<LoginWishes>]>([
  [{}, {}],
  [{ prompt: "" }, {}],
  [{ prompt: "   " }, {}],
  [{ prompt: "create" }, {}],
  [{ prompt: "login" }, { upstream: { prompt: "login" } }],
  [{ prompt: " login  create " }, { upstream: { prompt: "login" } }],
  [{ prompt: "consent" }, { asksConsent: true }],
  [{ prompt: "consent login" }, { asksConsent: true, upstream: { prompt: "login" } }],
  [{ prompt: "select_account" }, { asksForAccount: true, upstream: { prompt: "select_account" } }],
  [{ prompt: "select_account login" }, { asksForAccount: true, upstream: { prompt: "login select_account" } }],
  [{ prompt: "none" }, { isSilent: true, upstream: { prompt: "none" } }],
  [{ prompt: " none none " }, { isSilent: true, upstream: { prompt: "none" } }],
  [{ login_hint: "ada" }, hinted("ada")],
  [{ login_hint: " ada " }, hinted("ada")],
  [{ login_hint: "   " }, {}],
  [{ login_hint: "" }, {}],
  [{ login_hint: "ada\u0000grace" }, {}],
  [{ login_hint: "ada\u200dgrace" }, {}],
  [{ login_hint: longest }, hinted(longest)],
  [{ login_hint: `x${longest}` }, {}],
  [{ idp_hint: "red" }, { hints: { idpHint: "red" } }],
  [
    { idp_hint: "", login_hint: "ada" },
    { hints: { idpHint: "", loginHint: "ada" }, upstream: { loginHint: "ada" } },
  ],
  [
    { prompt: "none", login_hint: "ada" },
    { isSilent: true, hints: { loginHint: "ada" }, upstream: { prompt: "none", loginHint: "ada" } },
  ],
])("%j is read as %j", (sent, expected) => {
  expect(read(sent)).toStrictEqual({ ...none, ...expected });
});

it.each(["none login", "consent none", "none create", "none select_account login"])(
  "prompt=%s is refused",
  (prompt) => {
    const refusal = expect.objectContaining({ code: "ERR_OAUTH", error: "invalid_request" });
    expect(() => read({ prompt })).toThrow(refusal);
  },
);
