import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { UpstreamUnavailableError } from "../../../src/errors.ts";
import { logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { jsonOf } from "../../support/json-of.ts";
import { recordsOf } from "../../support/records-of.ts";
import { logInAt, twoUpstreams } from "../../support/two-upstreams.ts";

/** Ada of the red upstream and ada of the blue one, who are two people. */
async function twoAdas() {
  const parts = twoUpstreams();
  const harness = parts.start();
  const { client_id: clientId } = await harness.register();
  const red = await logInAt(harness, { id: "red", clientId });
  const blue = await logInAt(harness, { id: "blue", clientId });
  return { ...parts, harness, clientId, adas: { red, blue } };
}

async function grantsOf(harness: Awaited<ReturnType<typeof twoAdas>>["harness"], filter = {}) {
  const issuers: (string | undefined)[] = [];
  for await (const { upstreamIssuer, subject } of harness.provider.listGrants(filter)) {
    expect(subject).toBe("ada");
    issuers.push(upstreamIssuer);
  }
  return issuers.sort();
}

describe("two users with one subject at two upstreams", () => {
  it("are told apart by whoever asks who is calling", async () => {
    const { harness, adas } = await twoAdas();
    for (const id of ["red", "blue"] as const) {
      const issuer = `https://login.${id}.example`;
      const authInfo = await harness.provider.verifyAccessToken(adas[id].access_token);
      expect(authInfo.extra).toMatchObject({ subject: "ada", upstreamIssuer: issuer });
      const token = await harness.provider.upstreamToken(authInfo);
      expect(token).toMatchObject({ subject: "ada", upstream: id, upstreamIssuer: issuer, token: "ada-1" });
    }
  });

  it("are refreshed each at their own upstream", async () => {
    const { harness, adas, clock, red, blue } = await twoAdas();
    const asked: string[] = [];
    for (const upstream of [red, blue]) {
      const refresh = upstream.refresh.bind(upstream);
      upstream.refresh = (token) => {
        asked.push(upstream.id);
        return refresh(token);
      };
    }
    clock.advanceSeconds(3_500);
    const renewed = await jsonOf(await harness.refresh(adas.blue));
    clock.advanceSeconds(100);
    const token = await harness.provider.upstreamToken({ token: renewed.access_token });
    expect(token).toMatchObject({ upstream: "blue", token: "ada-2" });
    expect(asked).toEqual(["blue"]);
  });

  it("are listed and ended one by one: a subject alone says nobody", async () => {
    const { harness, adas, red, blue } = await twoAdas();
    expect(await grantsOf(harness)).toEqual(["https://login.blue.example", "https://login.red.example"]);
    await expect(harness.provider.revokeGrants({ subject: "ada" })).rejects.toMatchObject({
      code: "ERR_CONFIGURATION",
      message: expect.stringContaining("upstreamIssuer"),
    });
    expect(await harness.provider.revokeGrants({ subject: "ada", upstreamIssuer: `${red.issuer}/` })).toBe(1);
    expect(await grantsOf(harness)).toEqual([blue.issuer]);
    expect(await harness.mcpStatus(adas.red.access_token)).toBe(401);
    expect(await harness.mcpStatus(adas.blue.access_token)).toBe(200);
    expect(await harness.provider.revokeGrants({ upstreamIssuer: blue.issuer })).toBe(1);
  });

  it("end their sessions each at their own upstream, and what one allowed the other has not taken back", async () => {
    const { harness, adas, clientId, red, blue } = await twoAdas();
    await harness.postForm("/revoke", { client_id: clientId, token: adas.red.refresh_token });
    expect([red.revoked.length, blue.revoked.length]).toEqual([1, 0]);
    /** Comes again with what the browser remembers, up to the page or the answer to the client. */
    const comeBack = async (cookie: string) => {
      const path = harness.authorizePath({ client_id: clientId, code_challenge: "x".repeat(43) });
      const begun = await harness.get(path, { cookie });
      const kept = begun.headers.getSetCookie().map((line) => line.split(";")[0]);
      const callback = logInAtFakeUpstream(new URL(begun.headers.get("location") ?? ""), "ada");
      const cookies = [cookie, ...kept].join("; ");
      return (await harness.provider.fetch(new Request(callback, { headers: { cookie: cookies } }))).status;
    };
    expect(await comeBack(adas.blue.cookie), "blue ada goes on").toBe(302);
    expect(await comeBack(adas.red.cookie), "red ada is asked").toBe(200);
  });

  it("are told the end of a session that the upstream did not hear, and nobody else is", async () => {
    const { harness, adas, clientId, red, blue, start, repositories } = await twoAdas();
    const revoke = red.revoke.bind(red);
    red.revoke = () => Promise.reject(new UpstreamUnavailableError("out"));
    await harness.postForm("/revoke", { client_id: clientId, token: adas.red.refresh_token });
    const [[, kept] = []] = await recordsOf(repositories.upstreamRevocations);
    expect(kept).toMatchObject({ upstreamIssuer: red.issuer });
    red.revoke = revoke;
    expect(await start({ upstreams: [blue, red] }).provider.retryUpstreamRevocations()).toBe(1);
    expect([red.revoked.length, blue.revoked.length]).toEqual([1, 0]);
    expect(await recordsOf(repositories.upstreamRevocations)).toEqual([]);
  });
});

describe("an upstream that is not configured any more", () => {
  it("has no users here: the operator is told once, and its users log in again", async () => {
    const { adas, start, blue, red } = await twoAdas();
    const told: unknown[] = [];
    const listen = (event: unknown) => void told.push(event);
    subscribe("pangea-authn-fastmcp:unknown-upstream", listen);
    const harness = start({ upstream: blue });
    expect(await harness.mcpStatus(adas.red.access_token)).toBe(401);
    await expect(harness.provider.upstreamToken({ token: adas.red.access_token })).rejects.toMatchObject({
      error: "invalid_token",
      message: expect.stringContaining("log in again"),
    });
    expect(await jsonOf(await harness.refresh(adas.red))).toMatchObject({ error: "invalid_grant" });
    expect(await harness.mcpStatus(adas.blue.access_token)).toBe(200);
    unsubscribe("pangea-authn-fastmcp:unknown-upstream", listen);
    expect(told).toEqual([{ upstreamIssuer: red.issuer }]);
    expect(red.revoked).toEqual([]);
    expect(blue.revoked, "no token of one goes to the other").toEqual([]);
  });

  it("goes on where it was when it is configured again", async () => {
    const { adas, start, blue } = await twoAdas();
    expect(await start({ upstream: blue }).mcpStatus(adas.red.access_token)).toBe(401);
    expect(await start().mcpStatus(adas.red.access_token)).toBe(200);
    expect(await jsonOf(await start().refresh(adas.red))).toHaveProperty("access_token");
  });

  it("is told the ends of its sessions once it is back", async () => {
    const { adas, clientId, start, blue, red, repositories } = await twoAdas();
    const without = start({ upstream: blue });
    await without.postForm("/revoke", { client_id: clientId, token: adas.red.refresh_token });
    expect(await without.provider.retryUpstreamRevocations()).toBe(0);
    expect(await recordsOf(repositories.upstreamRevocations)).toHaveLength(1);
    expect(blue.revoked).toEqual([]);
    expect(await start().provider.retryUpstreamRevocations()).toBe(1);
    expect(red.revoked.map(({ token }) => token)).toEqual(["ada-1"]);
  });

  it("has grants that can be listed and ended by its issuer, and not by a subject alone", async () => {
    const { start, blue, red } = await twoAdas();
    const harness = start({ upstream: blue });
    expect(await grantsOf(harness, { upstreamIssuer: red.issuer })).toEqual([red.issuer]);
    expect(await grantsOf(harness, { subject: "ada" })).toEqual([blue.issuer]);
    expect(await harness.provider.revokeGrants({ subject: "ada" })).toBe(1);
    expect(await grantsOf(harness)).toEqual([red.issuer]);
    expect(await harness.provider.revokeGrants({ upstreamIssuer: red.issuer })).toBe(1);
  });
});
