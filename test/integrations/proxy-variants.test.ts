import { request } from "node:http";
import { generate } from "selfsigned";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { behindNginx, getsThrough, mounts, type ReverseProxy } from "../support/behind-nginx.ts";
import { initializeRequest } from "../support/mount-suite.ts";
import type { NginxCertificate } from "../support/nginx.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();
let certificate: NginxCertificate;
beforeAll(async () => {
  const names = [{ name: "commonName", value: "127.0.0.1" }];
  const { private: key, cert } = await generate(names, { keySize: 2_048, algorithm: "sha256" });
  certificate = { certificate: cert, key };
  // FastMCP's HTTP layer writes to the console whatever logger it has.
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(console, "log").mockReturnValue();
});

const wellKnown = (to: string) => `location /.well-known/ { proxy_pass ${to}; }`;

/** Ways to write down a proxy that are in use, all of which work. */
const working: readonly ReverseProxy[] = [
  {
    name: "keeps the prefix by a path in proxy_pass",
    publicPath: "/prefix",
    locations: (to) => `location /prefix/ { proxy_pass ${to}/prefix/; } ${wellKnown(to)}`,
    mcpPath: "/prefix/mcp",
    mapping: {},
  },
  {
    name: "keeps the prefix in a location without a slash",
    publicPath: "/prefix",
    locations: (to) => `location /prefix { proxy_pass ${to}; } ${wellKnown(to)}`,
    mcpPath: "/prefix/mcp",
    mapping: {},
  },
  {
    name: "strips the prefix by a rewrite",
    publicPath: "/prefix",
    locations: (to) => `location /prefix/ { rewrite ^/prefix(/.*)$ $1 break; proxy_pass ${to}; } ${wellKnown(to)}`,
    mcpPath: "/mcp",
    mapping: { removedPrefix: "/prefix" },
  },
  {
    name: "strips the prefix and says so by X-Forwarded-Prefix",
    publicPath: "/prefix",
    locations: (to) =>
      `proxy_set_header X-Forwarded-Prefix /prefix; location /prefix/ { proxy_pass ${to}/; } ${wellKnown(to)}`,
    mcpPath: "/mcp",
    mapping: { removedPrefix: "/prefix/" },
  },
  {
    name: "strips a prefix of two parts",
    publicPath: "/one/two",
    locations: (to) => `location /one/two/ { proxy_pass ${to}/; } ${wellKnown(to)}`,
    mcpPath: "/mcp",
    mapping: { removedPrefix: "/one/two" },
  },
  {
    name: "passes on a prefix, a host and a scheme that anybody may have made up",
    publicPath: "",
    locations: (to) =>
      `proxy_set_header X-Forwarded-Prefix /made/up; proxy_set_header X-Forwarded-Proto ftp; proxy_set_header Forwarded "host=made.up"; location / { proxy_pass ${to}; }`,
    mcpPath: "/mcp",
    mapping: {},
  },
  {
    name: "passes on the Host with its port",
    publicPath: "",
    locations: (to) =>
      `proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Host $http_host; location / { proxy_pass ${to}; }`,
    mcpPath: "/mcp",
    mapping: {},
  },
  {
    name: "leaves slashes that stand in a row",
    publicPath: "/prefix",
    locations: (to) => `merge_slashes off; location / { proxy_pass ${to}; }`,
    mcpPath: "/prefix/mcp",
    mapping: {},
  },
];

describe.each(working)("behind an nginx that $name", (proxy) => {
  it.each(mounts)("a person logs in, and a client gets through, with the mount for %s", async (_, serve) => {
    await using server = await behindNginx(emulator.issuerUrl, proxy, serve);
    await getsThrough(server);
  });
});

describe("behind an nginx that ends https", () => {
  beforeEach(() => {
    // The certificate is the test's own, and Node.js warns of what is switched off for it.
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    return () => {
      vi.unstubAllEnvs();
      warn.mockRestore();
    };
  });

  it.each(mounts)("a person logs in, and a client gets through, with the mount for %s", async (_, serve) => {
    const proxy: ReverseProxy = {
      name: "ends https",
      publicPath: "",
      locations: (to) => `proxy_set_header X-Forwarded-Proto https; location / { proxy_pass ${to}; }`,
      mcpPath: "/mcp",
      mapping: {},
      certificate,
    };
    await using server = await behindNginx(emulator.issuerUrl, proxy, serve);
    await getsThrough(server);
  });
});

describe("behind an nginx below whose prefix a character is encoded", () => {
  // Hono and FastMCP decode a path before they compare it with that of a route.
  it.each(mounts.filter(([name]) => ["Express", "node:http"].includes(name)))(
    "a person logs in, and a client gets through, with the mount for %s",
    async (_, serve) => {
      const proxy: ReverseProxy = {
        name: "keeps the prefix",
        publicPath: "/pr%C3%A9fixe",
        locations: (to) => `location / { proxy_pass ${to}; }`,
        mcpPath: "/pr%C3%A9fixe/mcp",
        mapping: {},
      };
      await using server = await behindNginx(emulator.issuerUrl, proxy, serve);
      await getsThrough(server);
    },
  );

  it.each(mounts)("it may be taken off, with the mount for %s", async (_, serve) => {
    const proxy: ReverseProxy = {
      name: "strips the prefix",
      publicPath: "/pr%C3%A9fixe",
      locations: (to) => `location /préfixe/ { proxy_pass ${to}/; } ${wellKnown(to)}`,
      mcpPath: "/mcp",
      mapping: { removedPrefix: "/pr%C3%A9fixe" },
    };
    await using server = await behindNginx(emulator.issuerUrl, proxy, serve);
    await getsThrough(server);
  });
});

/** What cannot work, and what the log is told of at the first request. */
const failing: readonly (ReverseProxy & {
  readonly topic: string;
  readonly host?: string;
  readonly says?: readonly string[];
})[] = [
  {
    name: "makes two slashes of one",
    publicPath: "/prefix",
    locations: (to) => `location /prefix { proxy_pass ${to}/; } ${wellKnown(to)}`,
    mcpPath: "/mcp",
    mapping: { removedPrefix: "/prefix" },
    topic: "proxy-slashes",
  },
  {
    name: "makes two slashes of one, and nobody has said that it strips the prefix",
    publicPath: "/prefix",
    locations: (to) => `location /prefix { proxy_pass ${to}/; } ${wellKnown(to)}`,
    mcpPath: "/prefix/mcp",
    mapping: {},
    topic: "proxy-slashes",
  },
  {
    name: "takes a slash away",
    publicPath: "/prefix",
    locations: (to) => `location /prefix/ { proxy_pass ${to}/prefix; } ${wellKnown(to)}`,
    mcpPath: "/prefix/mcp",
    mapping: {},
    topic: "proxy-slashes",
  },
  {
    name: "strips half of the prefix",
    publicPath: "/one/two",
    locations: (to) => `location /one/ { proxy_pass ${to}/; } ${wellKnown(to)}`,
    mcpPath: "/two/mcp",
    mapping: {},
    topic: "path-prefix",
    says: ['removedPrefix: "/one"'],
  },
  {
    name: "serves another name too",
    publicPath: "",
    locations: (to) => `proxy_set_header X-Forwarded-Host $http_host; location / { proxy_pass ${to}; }`,
    mcpPath: "/mcp",
    mapping: {},
    topic: "other-host",
    host: "mcp.example.org:8443",
  },
  {
    name: "serves another name too, and passes it on as Host",
    publicPath: "",
    locations: (to) => `proxy_set_header Host $http_host; location / { proxy_pass ${to}; }`,
    mcpPath: "/mcp",
    mapping: {},
    topic: "other-host",
    host: "MCP.example.org.",
  },
];

describe.each(failing)("behind an nginx that $name", ({ topic, host, says = [], ...proxy }) => {
  // FastMCP takes the path //mcp for a host of that name, and nothing of it comes to a mount.
  const told = mounts.filter(([name]) => name !== "FastMCP" || !proxy.name.startsWith("makes two slashes"));
  it.each(told)("the first request says so, once, with the mount for %s", async (_, serve) => {
    await using server = await behindNginx(emulator.issuerUrl, proxy, serve);
    for (const _time of ["first", "second"]) {
      if (host === undefined) await initializeRequest(`${server.baseUrl}/mcp`);
      else await requestFor(`${server.baseUrl}/mcp`, host);
      expect(server.warnings.map((text) => /#([\w-]+)/.exec(text)?.[1])).toEqual([topic]);
      for (const part of says) expect(server.warnings[0]).toContain(part);
    }
  });
});

/** A request that names another host than the one that it is sent to. */
function requestFor(url: string, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers: { host } }, (response) => {
      response.resume();
      response.on("end", resolve);
    });
    sent.on("error", reject);
    sent.end();
  });
}
