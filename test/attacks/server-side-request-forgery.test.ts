import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { connectPinned } from "../../src/provider/client-documents/pinned-connection.ts";
import { isPublicAddress } from "../../src/provider/client-documents/public-address.ts";
import { ClientSite, clientId, documentWith, json, publicAddress } from "../provider/client-documents/client-site.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { setUp } from "../support/set-up.ts";

const hostile = [
  ["0.0.0.0", "this host"],
  ["0.1.2.3", "this network"],
  ["10.0.0.1", "private"],
  ["10.255.255.255", "private"],
  ["100.64.0.1", "carrier-grade NAT"],
  ["100.100.100.200", "Alibaba's metadata service"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["168.63.129.16", "Azure's platform service"],
  ["169.254.169.254", "the metadata service of AWS, Azure and Google"],
  ["169.254.170.2", "the credentials of AWS containers"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.0.0.192", "Oracle's metadata service"],
  ["192.0.2.1", "documentation"],
  ["192.88.99.1", "6to4 relay"],
  ["192.168.1.1", "private"],
  ["198.18.0.1", "benchmarking"],
  ["198.51.100.1", "documentation"],
  ["203.0.113.1", "documentation"],
  ["224.0.0.1", "multicast"],
  ["239.255.255.250", "multicast"],
  ["240.0.0.1", "reserved"],
  ["255.255.255.255", "broadcast"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["::7f00:1", "IPv4-compatible"],
  ["::ffff:127.0.0.1", "IPv4-mapped loopback"],
  ["::ffff:a9fe:a9fe", "IPv4-mapped metadata service"],
  ["::ffff:8.8.8.8", "IPv4-mapped, though public"],
  ["::ffff:0:127.0.0.1", "IPv4-translated"],
  ["64:ff9b::7f00:1", "NAT64"],
  ["64:ff9b:1::1", "local NAT64"],
  ["100::1", "discard"],
  ["2001::1", "Teredo"],
  ["2001:db8::1", "documentation"],
  ["2001:10::1", "ORCHID"],
  ["2001:20::1", "ORCHIDv2"],
  ["2002:7f00:1::", "6to4 of loopback"],
  ["3fff::1", "documentation"],
  ["4000::1", "not assigned"],
  ["5f00::1", "segment routing"],
  ["fc00::1", "unique local"],
  ["fd00:ec2::254", "the metadata service of AWS"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "link-local with a zone"],
  ["2606:4700::1111%eth0", "public with a zone"],
  ["fec0::1", "site-local"],
  ["ff02::1", "multicast"],
  ["0x7f.1", "loopback in hexadecimal"],
  ["127.1", "loopback in short"],
  ["2130706433", "loopback as one number"],
  ["0177.0.0.1", "loopback in octal"],
  ["0x08080808", "public, in hexadecimal"],
  ["8.8.2056", "public, in short"],
  ["", "nothing"],
  ["localhost", "a name"],
] as const;

const honest = [
  "1.1.1.1",
  "8.8.8.8",
  publicAddress,
  "172.32.0.1",
  "100.128.0.1",
  "2606:4700::1111",
  "2a00:1450:4001::1",
];

describe("a public address", () => {
  it.each(hostile)("is not %j (%s)", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(honest)("may be %s", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe("a document URL that leads to an address of our own network", () => {
  let site: ClientSite;
  setUp("test", async (parts) => {
    site = parts.use(await ClientSite.open());
  });

  const refused = { error: "invalid_client" };

  it.each(hostile)("is not connected to by name: %j (%s)", async (address) => {
    site.answers = [[address]];
    await expect(site.documents().find(clientId)).rejects.toMatchObject(refused);
    expect(site.connections).toHaveLength(0);
  });

  it.each([
    "https://127.0.0.1/client.json",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/client.json",
    "https://[::1]/client.json",
    "https://[::ffff:7f00:1]/client.json",
    "https://[fd00:ec2::254]/client.json",
    "https://[64:ff9b::7f00:1]/client.json",
  ])("is not connected to by number: %s", async (id) => {
    await expect(site.documents().find(id)).rejects.toMatchObject(refused);
    expect(site.lookups).toHaveLength(0);
    expect(site.connections).toHaveLength(0);
  });

  it.each(["https://2130706433/c", "https://0x7f.1/c", "https://0177.0.0.1/c", "https://127.1/c", "https://①.1.1.1/c"])(
    "is refused where the number is written in another way: %s",
    async (id) => {
      await expect(site.documents().find(id)).rejects.toMatchObject({ error: "invalid_client" });
      expect(site.connections).toHaveLength(0);
    },
  );

  it.each([
    [[publicAddress, "127.0.0.1"]],
    [["127.0.0.1", publicAddress]],
    [[publicAddress, "2606:4700::1111", "fe80::1"]],
  ])("is refused for one such address among public ones: %j", async (answers) => {
    site.answers = [answers];
    await expect(site.documents().find(clientId)).rejects.toMatchObject(refused);
    expect(site.connections).toHaveLength(0);
  });

  it("answers the same for a name that does not exist, so that our names cannot be mapped", async () => {
    site.answers = [[]];
    await expect(site.documents().find(clientId)).rejects.toMatchObject(refused);
  });

  it("is not reached by rebinding: the name is looked up once, and the connection goes where the check went", async () => {
    site.answers = [[publicAddress], ["127.0.0.1"]];
    await site.documents().find(clientId);
    expect(site.lookups).toEqual(["client.example"]);
    expect(site.connections).toEqual([{ hostname: "client.example", port: 443, addresses: [publicAddress] }]);
  });

  it("is checked anew for every fetch", async () => {
    site.answers = [[publicAddress], ["127.0.0.1"]];
    const documents = site.documents();
    await documents.find(clientId);
    await expect(documents.find(clientId)).rejects.toMatchObject(refused);
    expect(site.connections).toHaveLength(1);
  });

  it.each(["80", "8443", "22", "6379"])("is not asked on port %s", async (port) => {
    await expect(site.documents().find(`https://client.example:${port}/c.json`)).rejects.toMatchObject({
      error: "invalid_client",
    });
    expect(site.lookups).toHaveLength(0);
  });

  it("is asked on another port where that is configured", async () => {
    const id = "https://client.example:8443/client.json";
    site.handler = json(documentWith({ client_id: id }));
    const found = await site.documents({ ports: [443, 8443] }).find(id);
    expect(found?.domain).toBe("client.example:8443");
    expect(site.connections[0]?.port).toBe(8443);
    expect(site.requests[0]?.headers.host).toBe("client.example:8443");
  });
});

describe("a pinned connection", () => {
  it("goes to the checked address with the name's certificate, and asks no name server", async () => {
    await using site = await ClientSite.open();
    const target = { hostname: "client.example", port: site.port, addresses: ["127.0.0.1"] };
    const socket = connectPinned(target, site.certificate);
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    expect(socket.remoteAddress).toBe("127.0.0.1");
    expect(socket.authorized).toBe(true);
    socket.destroy();
  });

  it("tries the next checked address where the first refuses", async () => {
    await using site = await ClientSite.open();
    const target = { hostname: "client.example", port: site.port, addresses: ["127.0.0.2", "127.0.0.1"] };
    const socket = connectPinned(target, site.certificate);
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    expect(socket.remoteAddress).toBe("127.0.0.1");
    socket.destroy();
  });

  it("trusts no certificate that no known authority has signed", async () => {
    await using site = await ClientSite.open();
    const socket = connectPinned({ hostname: "client.example", port: site.port, addresses: ["127.0.0.1"] });
    const failure = await new Promise((resolve) => socket.once("error", resolve).once("secureConnect", resolve));
    expect(failure).toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  });

  it("does not tell the name of a literal address", async () => {
    const hello = new Promise<Buffer>((resolve) => {
      const server = createServer((socket) => {
        socket.once("data", (data) => {
          resolve(Buffer.from(data));
          socket.destroy();
          server.close();
        });
      }).listen(0, "127.0.0.1", () => {
        const address = server.address();
        const port = typeof address === "object" && address !== null ? address.port : 0;
        connectPinned({ hostname: "127.0.0.1", port, addresses: ["127.0.0.1"] }).on("error", () => {});
      });
    });
    expect((await hello).includes("127.0.0.1")).toBe(false);
  });
});

describe("the authorization endpoint as a way into our network", () => {
  let site: ClientSite;
  setUp("test", async (parts) => {
    site = parts.use(await ClientSite.open());
  });

  const start = () =>
    new ProviderHarness({ ...providerOptions("https://login.example"), clock: site.clock.read }, site.network);
  const authorize = (harness: ProviderHarness, client_id: string) =>
    harness.get(
      harness.authorizePath({
        client_id,
        redirect_uri: "https://client.example/callback",
        code_challenge: pkce().challenge,
      }),
    );

  it("answers the same page for a private address and for a name that does not exist, and asks neither", async () => {
    const pages = new Set<string>();
    for (const answers of [["169.254.169.254"], ["10.0.0.1"], ["::1"], []]) {
      site.answers = [answers];
      const response = await authorize(start(), clientId);
      expect(response.status).toBe(400);
      expect(response.headers.get("location")).toBeNull();
      pages.add(await response.text());
    }
    expect(pages.size).toBe(1);
    expect(site.connections).toHaveLength(0);
  });

  it("shows nothing of what an address of ours would answer", async () => {
    site.handler = (_request, response) => {
      response.writeHead(200, { "content-type": "text/plain" }).end("root:x:0:0");
    };
    const page = await (await authorize(start(), clientId)).text();
    expect(page).not.toContain("x:0:0");
  });

  it("cannot be used to knock at ports, nor through a client's jwks_uri", async () => {
    for (const id of ["https://client.example:22/c.json", "https://client.example:6379/c.json"]) {
      expect((await authorize(start(), id)).status).toBe(400);
    }
    expect(site.lookups).toHaveLength(0);

    for (const [jwks_uri, addresses] of [
      ["https://inside.example/keys", ["10.0.0.1"]],
      ["https://169.254.169.254/keys", []],
      ["https://client.example:6379/keys", [publicAddress]],
    ] as const) {
      site.answers = [[publicAddress], [...addresses]];
      site.connections.length = 0;
      site.handler = json(documentWith({ token_endpoint_auth_method: "private_key_jwt", jwks_uri }));
      const claims = { iss: clientId, sub: clientId };
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const response = await start().postForm("/token", {
        grant_type: "refresh_token",
        refresh_token: "any",
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: `${part({ alg: "ES256" })}.${part(claims)}.${"A".repeat(86)}`,
      });
      expect(response.status, jwks_uri).toBe(401);
      expect((await jsonOf(response)).error).toBe("invalid_client");
      // The document itself, and nothing else.
      expect(site.connections, jwks_uri).toHaveLength(1);
    }
  });

  it("works for an honest document all the same", async () => {
    expect((await authorize(start(), clientId)).status).toBe(200);
  });
});
