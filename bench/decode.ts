/**
 * Decoding a stored access token, against nothing but parsing its JSON, and against what makes the same value without a check.
 *
 *     npx node bench/decode.ts
 */
import { AccessTokenSchema, jsonCodec, tokenKey } from "../src/index.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";

const location = { repository: "access_token", key: tokenKey("pmcp_at_an-access-token") };
const codec = jsonCodec(AccessTokenSchema);
const text = codec.encode(
  {
    clientId: "07eb1e8c-2adb-4a11-9a57-1f4f1b1b1b1b",
    scopes: ["user", "admin"],
    expiresAt: 1_800_000_000,
    resource: new URL("https://mcp.example.org/mcp"),
    subject: "pui_7oqls6ctlgndju67cape6uiy7qpw76u2",
    grantId: tokenKey("a grant"),
    wrappedKey: `v2.abcdefgh.${"a".repeat(24)}.${"b".repeat(64)}`,
  },
  location,
);

const worksPerRun = 1_000;
/** Kept, so that the compiler cannot leave the work out. */
let last: unknown;
/** Many at a time, so that the wait between two does not count. */
const many = (work: () => unknown) => async () => {
  for (let count = 0; count < worksPerRun; count++) last = work();
};

/** The least that gives the same value: a record that somebody else may have written needs to be checked as well. */
function unchecked(json: string): unknown {
  const { client_id, scopes, expires_at, resource, subject, grant_id, wrapped_key } = JSON.parse(json);
  return {
    clientId: client_id,
    scopes,
    expiresAt: expires_at,
    resource: new URL(resource),
    subject,
    grantId: grant_id,
    wrappedKey: wrapped_key,
  };
}

console.log(machine());
const comparison = await measureInTurns(
  {
    "JSON.parse": many(() => JSON.parse(text)),
    "the same, new URL and an object, unchecked": many(() => unchecked(text)),
    "codec.decode": many(() => codec.decode(text, location)),
  },
  { rounds: 2_000, runsPerRound: 1, worksPerRun },
);
if (last === undefined) throw new Error("Nothing was decoded.");
comparison.print(`A stored access token of ${text.length} characters`, "JSON.parse");
console.log();
printGoal("time of codec.decode to JSON.parse", comparison.ratio("codec.decode", "JSON.parse"), "at most", 1.5);
