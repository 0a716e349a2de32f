/**
 * Decoding a stored access token, against nothing but parsing its JSON. Goal: at most 2 times as long.
 *
 *     node bench/decode.ts
 */
import { AccessTokenSchema, jsonCodec, tokenKey } from "../src/index.ts";
import { measureInTurns, ratio } from "./interleaved.ts";

const key = tokenKey("pmcp_at_an-access-token");
const location = { repository: "access_token", key };
const codec = jsonCodec(AccessTokenSchema);
const text = codec.encode(
  {
    clientId: "07eb1e8c-2adb-4a11-9a57-1f4f1b1b1b1b",
    scopes: ["user", "admin"],
    expiresAt: 1_800_000_000,
    resource: new URL("https://mcp.example.org/mcp"),
    subject: "pui_7oqls6ctlgndju67cape6uiy7qpw76u2",
    grantId: tokenKey("a grant"),
    wrappedKey: `v1.abcdefgh.${"a".repeat(16)}.${"b".repeat(64)}`,
  },
  location,
);

/** Kept, so that the compiler cannot leave the work out. */
let last: unknown;
/** Many at a time, so that the wait between two does not count. */
const many = (work: () => unknown) => async () => {
  for (let time = 0; time < 1000; time++) last = work();
};

const [parse, decode] = await measureInTurns(
  [
    { name: "JSON.parse", run: many(() => JSON.parse(text)) },
    { name: "codec.decode", run: many(() => codec.decode(text, location)) },
  ],
  { rounds: 41, runsPerRound: 20 },
);
if (parse === undefined || decode === undefined || last === undefined) throw new Error("Nothing was measured.");
for (const { name, microseconds } of [parse, decode]) console.log(`${name.padEnd(14)} ${microseconds.toFixed(0)} ns`);
console.log(
  `ratio          ${ratio(decode, parse).toFixed(2)} (goal: at most 2)   ${text.length} characters, Node ${process.version}`,
);
