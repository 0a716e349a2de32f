import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RateLimit, RateLimiter, RateLimitOptions } from "../../../src/index.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";

// The clock of the default options is the system's.
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const start = (rateLimits?: RateLimitOptions | false): ProviderHarness =>
  new ProviderHarness({ ...providerOptions("https://login.example"), ...(rateLimits !== undefined && { rateLimits }) });

function send(harness: ProviderHarness, path: string, caller?: string): Promise<Response> {
  const request = path.startsWith("/authorize")
    ? new Request(harness.baseUrl + path)
    : new Request(harness.baseUrl + path, { method: "POST", body: new URLSearchParams({ client_id: "nobody" }) });
  return harness.provider.fetch(request, { caller });
}

const two: RateLimit = { requests: 2, perSeconds: 60 };

describe("rate limits", () => {
  it.each(["/token", "/revoke", "/register", "/authorize"])(
    "tell a caller of %s who is beyond them to come back, and only that caller",
    async (path) => {
      const perCaller = { token: two, revoke: two, register: two, authorize: two };
      const harness = start({ perCaller });
      for (let count = 0; count < 2; count += 1) {
        expect((await send(harness, path, "203.0.113.1")).status).not.toBe(429);
      }
      vi.advanceTimersByTime(20_000);
      const refused = await send(harness, path, "203.0.113.1");
      expect(refused.status).toBe(429);
      // A third of a minute has brought two thirds of a request back.
      expect(refused.headers.get("retry-after")).toBe("10");
      if (path === "/authorize") expect(refused.headers.get("content-type")).toContain("text/html");
      else expect((await jsonOf(refused)).error).toBe("too_many_requests");

      expect((await send(harness, path, "203.0.113.2")).status).not.toBe(429);
      vi.advanceTimersByTime(10_000);
      expect((await send(harness, path, "203.0.113.1")).status).not.toBe(429);
    },
  );

  it("count an IPv6 network as one caller, and an IPv4 address in both of its forms", async () => {
    const harness = start({ perCaller: { token: two } });
    await send(harness, "/token", "2001:db8:1:2::1");
    await send(harness, "/token", "2001:db8:1:2:ffff::2");
    expect((await send(harness, "/token", "2001:db8:1:2::3")).status).toBe(429);
    expect((await send(harness, "/token", "2001:db8:1:3::1")).status).not.toBe(429);
    await send(harness, "/token", "198.51.100.7");
    await send(harness, "/token", "::ffff:198.51.100.7");
    expect((await send(harness, "/token", "198.51.100.7")).status).toBe(429);
  });

  it.each<[string, readonly [string, string, string], string]>([
    ["an address with a port", ["198.51.100.7:1", "198.51.100.7:65535", "198.51.100.7"], "198.51.100.8:1"],
    ["an address with spaces", [" 198.51.100.7", "198.51.100.7 ", "\t198.51.100.7"], " 198.51.100.8"],
    ["brackets", ["[2001:db8::1]", "[2001:db8::2]", "2001:db8::3"], "[2001:db8:0:1::1]"],
    ["brackets and a port", ["[2001:db8::1]:1", "[2001:db8::2]:2", " [2001:db8::3]:3"], "[2001:db8:0:1::1]:1"],
    ["quotation marks", ['"[2001:db8::1]:1"', '"[2001:db8::2]"', "2001:db8::3"], '"[2001:db8:0:1::1]:1"'],
    ["both forms of IPv4", ["[::ffff:198.51.100.7]:1", "198.51.100.7:2", "::ffff:c633:6407"], "198.51.100.8"],
    ["a zone", ["fe80::1%eth0", "[fe80::2%eth0]:1", "[fe80::3%1]"], "[fe80:0:0:1::1%eth0]"],
    ["a name with spaces", ["a name", " a name", "a name "], "another name"],
    ["names that look like addresses", ["[a]:1", "[a]:1", "[a]:1"], "[a]:2"],
  ])("count one caller as one, written with %s", async (_, [first, second, third], other) => {
    const harness = start({ perCaller: { token: two } });
    expect((await send(harness, "/token", first)).status).not.toBe(429);
    expect((await send(harness, "/token", second)).status).not.toBe(429);
    expect((await send(harness, "/token", third)).status).toBe(429);
    expect((await send(harness, "/token", other)).status).not.toBe(429);
  });

  it("count a /48 of IPv6 as a network, which may send four times as much as a caller in it", async () => {
    const harness = start({ perCaller: { token: two } });
    const statuses: number[] = [];
    for (let subnet = 0; subnet < 9; subnet += 1) {
      statuses.push((await send(harness, "/token", `2001:db8:1:${subnet}::1`)).status);
    }
    expect(statuses.filter((status) => status === 429)).toHaveLength(1);
    expect(statuses.at(-1)).toBe(429);
    expect((await send(harness, "/token", "2001:db8:2::1")).status).not.toBe(429);
  });

  it("tell IPv4 callers apart that come through a translator of addresses (RFC 6052)", async () => {
    const harness = start({ perCaller: { token: two } });
    for (let count = 0; count < 3; count += 1) await send(harness, "/token", "64:ff9b::198.51.100.7");
    expect((await send(harness, "/token", "64:ff9b::198.51.100.7")).status).toBe(429);
    expect((await send(harness, "/token", "64:ff9b::198.51.100.8")).status).not.toBe(429);
  });

  it("give back what was used all the time, and never more than there was", async () => {
    const harness = start({ perCaller: { token: two } });
    const burst = async () => {
      const statuses: number[] = [];
      for (let count = 0; count < 4; count += 1) statuses.push((await send(harness, "/token", "203.0.113.1")).status);
      return statuses.filter((status) => status !== 429).length;
    };
    expect(await burst()).toBe(2);
    for (let minutes = 0; minutes < 3; minutes += 1) {
      vi.advanceTimersByTime(30_000);
      expect(await burst()).toBe(1);
    }
    vi.advanceTimersByTime(86_400_000);
    expect(await burst()).toBe(2);
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(await burst(), "a clock that was set back").toBe(0);
    vi.advanceTimersByTime(30_000);
    expect(await burst()).toBe(1);
  });

  it("count a registration as new where it leaves a record, and let a client that is known in", async () => {
    const harness = start({ perCaller: { newClients: two }, total: { newClients: { requests: 3, perSeconds: 3600 } } });
    const register = async (client_name: string, caller?: string) => {
      const request = new Request(`${harness.baseUrl}/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ redirect_uris: [harness.redirectUri], token_endpoint_auth_method: "none", client_name }),
      });
      return (await harness.provider.fetch(request, { caller })).status;
    };
    expect(await register("known", "a")).toBe(201);
    for (let count = 0; count < 5; count += 1) expect(await register("known", "a")).toBe(201);
    expect(await register("second", "a")).toBe(201);
    expect(await register("third", "a"), "a caller who has had its share").toBe(429);
    expect(await register("third", "b")).toBe(201);
    expect(await register("fourth", "c"), "all of them together").toBe(429);
    expect(await register("known", "c")).toBe(201);
    vi.advanceTimersByTime(20 * 60_000);
    expect(await register("fourth", "c")).toBe(201);
  });

  it("count the consent page and the callback with the authorization endpoint", async () => {
    const harness = start({ perCaller: { authorize: two } });
    const { client_id } = await harness.register();
    const path = harness.authorizePath({ client_id, code_challenge: pkce().challenge });
    expect((await send(harness, path, "a")).status).toBe(200);
    expect((await send(harness, "/consent", "a")).status).toBe(400);
    const callback = new Request(`${harness.baseUrl}/pangea/callback?state=x`);
    expect((await harness.provider.fetch(callback, { caller: "a" })).status).toBe(429);
  });

  it("count all callers together, those who are not known too; who is over the own limit takes nothing from the rest", async () => {
    const harness = start({ perCaller: { token: two }, total: { token: { requests: 4, perSeconds: 60 } } });
    for (let count = 0; count < 10; count += 1) await send(harness, "/token", "203.0.113.1");
    expect((await send(harness, "/token")).status).not.toBe(429);
    expect((await send(harness, "/token", "203.0.113.2")).status).not.toBe(429);
    expect((await send(harness, "/token", "203.0.113.3")).status).toBe(429);
  });

  it("never stand between a client and the metadata, nor before the MCP endpoint", async () => {
    const one = { requests: 1, perSeconds: 60 };
    const harness = start({ perCaller: { token: one, authorize: one, register: one, revoke: one } });
    for (let count = 0; count < 5; count += 1) {
      const request = new Request(`${harness.baseUrl}/.well-known/oauth-authorization-server`);
      expect((await harness.provider.fetch(request, { caller: "a" })).status).toBe(200);
      expect(await harness.mcpStatus("token")).toBe(401);
    }
  });

  it("have defaults, and can be switched off one by one or all together", async () => {
    const statuses = async (harness: ProviderHarness, path: string, count: number) => {
      for (let sent = 0; sent < count; sent += 1) await send(harness, path, "203.0.113.1");
      return (await send(harness, path, "203.0.113.1")).status;
    };
    expect(await statuses(start(), "/token", 300)).toBe(429);
    expect(await statuses(start(), "/register", 500)).toBe(429);
    expect(await statuses(start({ perCaller: { token: false } }), "/token", 300)).not.toBe(429);
    expect(await statuses(start({ perCaller: { token: false } }), "/revoke", 300)).toBe(429);
    expect(await statuses(start(false), "/token", 300)).not.toBe(429);
  });

  it("can be counted elsewhere, and are counted here while that fails", async () => {
    const names: string[] = [];
    const keys: string[] = [];
    let out = false;
    const limiter = (name: string, limit: RateLimit): RateLimiter => {
      names.push(`${name} ${limit.requests}/${limit.perSeconds}`);
      return {
        consume: async (key) => {
          if (out) throw new Error("Redis is down");
          keys.push(`${name}:${key}`);
          if (keys.length > 1) throw { msBeforeNext: 1500 };
        },
      };
    };
    const harness = start({
      perCaller: { token: two, authorize: false, register: false, newClients: false, revoke: false, account: false },
      total: { newClients: false },
      limiter,
    });
    expect(names).toEqual(["token-caller 2/60"]);
    expect((await send(harness, "/token", "a")).status).not.toBe(429);
    const refused = await send(harness, "/token", "a");
    expect(refused.headers.get("retry-after")).toBe("2");
    expect(keys).toEqual(["token-caller:a", "token-caller:a"]);

    out = true;
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await send(harness, "/token", "a")).status);
    expect(statuses).toEqual([400, 400, 429]);
  });

  it.each<[string, RateLimitOptions]>([
    ["rateLimits.perCaller.token", { perCaller: { token: { requests: 0, perSeconds: 60 } } }],
    ["rateLimits.total.revoke", { total: { revoke: { requests: 10, perSeconds: 0.5 } } }],
    ["rateLimits.perCaller", { perCaller: JSON.parse('{"tokens":{"requests":1,"perSeconds":1}}') }],
  ])("are refused where %s is wrong", (name, options) => {
    expect(() => start(options)).toThrow(name);
  });
});
