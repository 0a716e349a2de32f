import { describe, expect, it } from "vitest";
import { isDocumentUrl, parseClientIdUrl } from "../../../src/provider/client-documents/client-id-url.ts";
import { ClientSite, clientId } from "./client-site.ts";

describe("a client_id", () => {
  it.each([
    "6f1c1e38-0f4b-4a57-9a57-1f4f1b1b1b1b",
    "cli",
    "",
    "ftp://a/b",
    "httpsclient",
    "urn:client",
    "com.example:/cb",
  ])("is no document URL: %j", async (id) => {
    await using site = await ClientSite.open();
    expect(isDocumentUrl(id)).toBe(false);
    expect(await site.documents().find(id)).toBeUndefined();
    expect(site.lookups).toHaveLength(0);
  });
});

describe("the URL of a client's metadata document", () => {
  it.each([
    clientId,
    "https://client.example/c",
    "https://client.example/c/",
    "https://client.example:443/c",
    "https://client.example/c?v=1",
    "https://client.example/%7Euser/c.json",
    "https://xn--bcher-kva.example/c",
    "https://93.184.215.14/c",
    `https://client.example/${"a".repeat(2000)}`,
  ])("may be %s", (id) => {
    expect(parseClientIdUrl(id, [443]).protocol).toBe("https:");
  });

  it.each([
    ["http://client.example/c", "does not use https"],
    ["http://localhost/c", "does not use https"],
    ["HTTPS://client.example/c", "is not in its normal form"],
    ["https://CLIENT.example/c", "is not in its normal form"],
    ["https://client.example", "is not in its normal form"],
    ["https://client.example/", "has no path"],
    ["https://client.example:443/", "has no path"],
    ["https://client.example/?a=b", "has no path"],
    ["https://client.example/c#f", "has a fragment"],
    ["https://client.example/c#", "has a fragment"],
    ["https://user@client.example/c", "has user information"],
    ["https://user:secret@client.example/c", "has user information"],
    ["https://@client.example/c", "has user information"],
    ["https://client.example/a/../c", "is not in its normal form"],
    ["https://client.example/./c", "is not in its normal form"],
    ["https://client.example/a/..", "is not in its normal form"],
    ["https://client.example/a/%2e%2E/c", "is not in its normal form"],
    ["https://client.example/a/.%2e/c", "is not in its normal form"],
    ["https://client.example\\@evil.example/c", "has user information"],
    ["https:client.example/c", "is not in its normal form"],
    ["https:///client.example/c", "is not in its normal form"],
    ["https://client.example:0443/c", "is not in its normal form"],
    ["https://client.example:/c", "is not in its normal form"],
    ["https://client.example:8443/c", "has a port that is not allowed here"],
    ["https://client.example./c", "has a host name that ends in a dot"],
    ["https://bücher.example/c", "has other characters than visible ASCII"],
    ["https://client.example/c\n", "has other characters than visible ASCII"],
    ["https://client.example/c d", "has other characters than visible ASCII"],
    ["https://client.example/\0", "has other characters than visible ASCII"],
    ["https://", "is not valid"],
    ["https://a b", "has other characters than visible ASCII"],
    ["https://client.example:99999/c", "is not valid"],
    ["https://1.2.3.4.5/c", "is not valid"],
    ["https://0x7f000001/c", "is not in its normal form"],
    [`https://client.example/${"a".repeat(2048)}`, "has more than 2048 characters"],
  ])("is refused: %j %s", async (id) => {
    await using site = await ClientSite.open();
    await expect(site.documents().find(id)).rejects.toMatchObject({ error: "invalid_client" });
    expect(site.lookups).toHaveLength(0);
  });
});
