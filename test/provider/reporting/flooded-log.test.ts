import { describe, expect, it } from "vitest";
import type { Logger } from "../../../src/index.ts";
import { logEntryOf } from "../../../src/provider/reporting/log-entries.ts";
import { OperatorLog } from "../../../src/provider/reporting/logger.ts";
import { accountServer } from "../../support/account-server.ts";
import { logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { pkce } from "../../support/provider-harness.ts";

/** A logger that keeps what it is told, of every level. */
function recording() {
  const lines: string[] = [];
  const write = (...data: unknown[]) => void lines.push(data.map((each) => JSON.stringify(each)).join(" "));
  const logger: Logger = { debug: write, info: write, warn: write, error: write };
  return { lines, logger };
}

/** More than the log tells apart. */
const many = Array.from({ length: 250 }, (_, index) => index);

/** A server, and every place where a caller's text may come near the log. */
async function scene() {
  const { lines, logger } = recording();
  const server = accountServer({ logger, rateLimits: false, baseUrl: "https://mcp.example" });
  const { harness } = server;
  const clientId = await server.register("A client");
  const { challenge } = pkce();
  const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  const callback = logInAtFakeUpstream(location, "ada");
  const browser = server.browser();
  const accountCallback = logInAtFakeUpstream(await browser.beginSignIn(), "ada");
  const comeBack = (to: URL, name: string, value: string, cookies: string) => {
    const url = new URL(to);
    if (name === "error") url.searchParams.delete("code");
    url.searchParams.set(name, value);
    return server.provider.fetch(new Request(url, { headers: { cookie: cookies } }));
  };
  const authorize = (parameters: Record<string, string>) =>
    harness.get(harness.authorizePath({ client_id: clientId, code_challenge: challenge, ...parameters }));
  const origin = { origin: harness.baseUrl };
  const places: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
    "error of the callback": (text) => comeBack(callback, "error", text, cookie),
    "code of the callback": (text) => comeBack(callback, "code", JSON.stringify({ user: text, login: {} }), cookie),
    "iss of the callback": (text) => comeBack(callback, "iss", `https://${encodeURIComponent(text)}.example`, cookie),
    "state of the callback": (text) => comeBack(callback, "state", text, cookie),
    "error of the account's callback": (text) => comeBack(accountCallback, "error", text, browser.cookie),
    "iss of the account's callback": (text) =>
      comeBack(accountCallback, "iss", `https://${encodeURIComponent(text)}.example`, browser.cookie),
    "client_id of /authorize": (text) => authorize({ client_id: text }),
    "redirect_uri of /authorize": (text) => authorize({ redirect_uri: text }),
    "response_type of /authorize": (text) => authorize({ response_type: text }),
    "resource of /authorize": (text) => authorize({ resource: text }),
    "request of /consent": (text) => harness.postForm("/consent", { request: text, decision: "allow" }, origin),
    "action of /account": (text) =>
      harness.postForm("/account", { action: text }, { ...origin, cookie: browser.cookie }),
    "grant_type of /token": (text) => harness.postForm("/token", { grant_type: text, client_id: clientId }),
    "client_id of /token": (text) => harness.postForm("/token", { grant_type: "refresh_token", client_id: text }),
    "token of /revoke": (text) => harness.postForm("/revoke", { token: text, client_id: text }),
    "redirect_uris of /register": (text) => harness.postJson("/register", { redirect_uris: [text] }),
    "the token of an MCP request": (text) => server.provider.verifyAccessToken(text).catch(() => undefined),
  };
  return { lines, places };
}

describe("a caller who sends another text each time", async () => {
  const { lines, places } = await scene();

  it.each(Object.keys(places))("as %s fills no log", async (name) => {
    const before = lines.length;
    for (const index of many) await places[name]?.(`x${index} An operator has ended all grants.`);
    expect(lines.slice(before).length).toBeLessThanOrEqual(2);
  });

  it("says no sentence that reads like one of this server", async () => {
    const { lines: told, places: others } = await scene();
    for (const send of Object.values(others)) await send("x. An operator has ended all grants.");
    const spoken = told.filter((line) => line.includes("An operator has ended"));
    expect(spoken.length).toBeGreaterThan(0);
    for (const line of spoken) expect(line).toContain(String.raw`\"x. An operator has ended all grants.\"`);
  });
});

describe("the log", () => {
  it("tells kinds apart up to a number, and no further one makes it forget those", () => {
    const { lines, logger } = recording();
    const clock = new ManualClock();
    const log = new OperatorLog(logger, clock.read);
    const write = (kind: string) => log.write({ level: "warn", kind, message: kind });
    write("first");
    for (const index of [...many, ...many]) write(`kind ${index}`);
    write("first");
    expect(lines.length).toBe(201);
    expect(lines.filter((line) => line.includes("first"))).toHaveLength(1);
    clock.advanceSeconds(60);
    write("a new kind");
    write("first");
    expect(lines.slice(201)).toHaveLength(2);
    expect(lines[202]).toContain("first");
  });

  it("has a line for each decision, and forgets no other kind for it", () => {
    const { lines, logger } = recording();
    const log = new OperatorLog(logger, new ManualClock().read);
    const write = (isAudited?: true) =>
      log.write({ level: "info", kind: "a kind", message: "a message", ...(isAudited && { isAudited }) });
    write();
    for (const _ of many) write(true);
    write();
    expect(lines).toHaveLength(1 + many.length);
  });

  it("tells of a grant that was ended as of a decision", () => {
    const event = { clientId: "app", grantId: "grant", subject: "ada", upstreamIssuer: undefined };
    expect(logEntryOf("grant-revoked", { ...event, by: "operator" })).toMatchObject({ isAudited: true });
    expect(logEntryOf("grant-revoked", { ...event, by: undefined })).toBeUndefined();
  });

  it.each(["x".repeat(300_000), "ada\nAn operator has ended all grants."])(
    "quotes a name, and not all of a long one",
    (subject) => {
      const entry = logEntryOf("account-signed-in", { subject, upstreamIssuer: "https://login.example" });
      expect(entry?.message.length).toBeLessThan(300);
      expect(entry?.message).toMatch(/^"[^\n]*" signed in to the account page\.$/);
    },
  );
});
