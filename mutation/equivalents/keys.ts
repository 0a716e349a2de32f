import type { Equivalent } from "../equivalent.ts";

/** In `src/provider/keys`. */
export const keys: readonly Equivalent[] = [
  {
    file: "provider/keys/key-announcements.ts",
    code: "waitsSince !== undefined",
    to: "true",
    why: "Nothing plus seconds is no number, which no time has come to; the compiler asks for the check.",
  },

  {
    file: "provider/keys/lost-records.ts",
    code: '"The exported suite of tests finds such mistakes."',
    why: "They are words of a message.",
  },
  {
    file: "provider/keys/lost-records.ts",
    code: "found === null",
    why: "It chooses between the words of two messages.",
  },
  {
    file: "provider/keys/lost-records.ts",
    code: "true",
    to: "false",
    times: 2,
    why: "Of a record that was told of only whether it is remembered is asked. Each other truth is tested.",
  },
];
