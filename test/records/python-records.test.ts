import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  AccessTokenSchema,
  AuthorizationCodeSchema,
  jsonCodec,
  OAuthClientInformationSchema,
  PangeaAccessTokenSchema,
} from "../../src/index.ts";

interface Line {
  readonly kind: "AccessToken" | "AuthorizationCode" | "OAuthClientInformationFull" | "PangeaAccessToken";
  readonly upstreamCopy: boolean;
  readonly mcp: string;
  readonly stored: string;
}

const lines: Line[] = readFileSync(new URL("./python-records.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const location = { repository: "test", key: "key" };
const codecs = {
  AccessToken: jsonCodec<unknown>(AccessTokenSchema),
  AuthorizationCode: jsonCodec<unknown>(AuthorizationCodeSchema),
  OAuthClientInformationFull: jsonCodec<unknown>(OAuthClientInformationSchema),
  PangeaAccessToken: jsonCodec<unknown>(PangeaAccessTokenSchema),
};
const read = ({ kind, stored }: Line): unknown => codecs[kind].decode(stored, location);

describe("records that the Python package wrote", () => {
  it("are all at hand", () => {
    expect(lines).toHaveLength(8);
  });

  it("of access tokens are read without the token, null expiries and resources as absent", () => {
    const [first, upstream, later] = lines.filter((line) => line.kind === "AccessToken").map(read);
    expect(first).toEqual({ clientId: "c1", scopes: ["user"], expiresAt: 1767225600, claims: {} });
    expect(upstream).toEqual({ clientId: "c1", scopes: ["user"], claims: {} });
    expect(later).toEqual(first);
  });

  it("of authorization codes are read with float seconds, application schemes and resources", () => {
    const [first, later] = lines.filter((line) => line.kind === "AuthorizationCode").map(read);
    expect(first).toEqual({
      clientId: "c1",
      scopes: ["user"],
      expiresAt: 1767225600.123456,
      codeChallenge: "E9M",
      redirectUri: new URL("http://localhost:3000/"),
    });
    expect(later).toMatchObject({
      redirectUri: new URL("cursor://anysphere.cursor-retrieval/oauth/user-pangea/callback"),
      resource: new URL("https://mcp.example.org/mcp"),
    });
  });

  it("of clients are read with their secrets and names, nulls as absent", () => {
    const [first, later] = lines.filter((line) => line.kind === "OAuthClientInformationFull").map(read);
    expect(first).toEqual({
      client_id: "11111111-2222-3333-4444-555555555555",
      client_secret: "aa",
      client_id_issued_at: 1767225600,
      redirect_uris: ["http://localhost:3000/"],
      token_endpoint_auth_method: "client_secret_post",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      scope: "user",
      client_name: "Café ☕",
      client_uri: "https://ex.org/",
    });
    expect(later).toMatchObject({ client_id: "c2", token_endpoint_auth_method: "none" });
    expect(later).not.toHaveProperty("client_secret");
    expect(later).not.toHaveProperty("application_type");
  });

  it("of upstream tokens are read", () => {
    expect(lines.filter((line) => line.kind === "PangeaAccessToken").map(read)).toEqual([{ token: "ptu_abc" }]);
  });

  it.each(lines)(
    "($kind, mcp $mcp) come back the same when they are written again, without any token or code",
    (line) => {
      const codec = codecs[line.kind];
      const written = codec.encode(read(line), location);
      expect(codec.decode(written, location)).toEqual(read(line));
      if (line.kind !== "PangeaAccessToken") expect(written).not.toMatch(/"(?:token|code)":/);
    },
  );
});
