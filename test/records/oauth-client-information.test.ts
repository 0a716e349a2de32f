import { expect, it } from "vitest";
import { CorruptRecordError, InvalidRecordError, jsonCodec, OAuthClientInformationSchema } from "../../src/index.ts";

const codec = jsonCodec(OAuthClientInformationSchema);
const location = { repository: "client", key: "a client" };

it.each(["", "callback", "/callback", "//app.example/callback", "https://"])(
  "a client record whose redirect URI is %j is corrupt, and is not written",
  (uri) => {
    const text = JSON.stringify({ client_id: "a client", redirect_uris: [uri] });
    expect(() => codec.decode(text, location)).toThrow(CorruptRecordError);
    const record = { client_id: "a client", redirect_uris: [uri] };
    expect(() => codec.encode(record, location)).toThrow(InvalidRecordError);
  },
);

it("a client record whose redirect URIs are absolute is read as it was written", () => {
  const redirect_uris = ["https://app.example/callback", "http://localhost/callback", "com.example.app:/callback"];
  const record = { client_id: "a client", redirect_uris };
  expect(codec.decode(codec.encode(record, location), location)).toEqual(record);
});

it("a client record of the Python package without redirect URIs is read as one that has none", () => {
  const text = '{"client_id":"a client","redirect_uris":null}';
  expect(codec.decode(text, location)).toEqual({ client_id: "a client", redirect_uris: [] });
});
