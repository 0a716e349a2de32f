import type { Equivalent } from "../equivalent.ts";

/** In `src/provider/tokens`. */
export const tokens: readonly Equivalent[] = [
  {
    file: "provider/tokens/access-token-verifier.ts",
    code: "token.length > longestAccessToken",
    to: "false",
    why: "No text that is longer is under any key of the cache. The look saves the digest of a long text.",
  },
  {
    file: "provider/tokens/access-token-verifier.ts",
    code: "remembered?.current",
    why: "Where there is a note there is what it is noted on, and of that the checks before ask. The compiler asks for it.",
  },
  {
    file: "provider/tokens/access-token-verifier.ts",
    code: "inMemory !== undefined",
    to: "true",
    why: "What is not in memory has no current record, so it is not the one that was read, which is asked beside. The compiler asks for it.",
  },
  {
    file: "provider/tokens/code-redemption.ts",
    code: "endsAt !== undefined",
    to: "true",
    why: "A comparison with undefined is false anyway.",
  },
  {
    file: "provider/tokens/code-redemption.ts",
    code: "refreshToken === undefined",
    to: "true",
    why: "Where the grant is missing, what the look would find out of the access token the add finds out, with the same answer.",
  },
  {
    file: "provider/tokens/code-redemption.ts",
    code: "(begun ?? access ?? refresh)?.isFirst",
    why: "Where nothing was missing, nothing was added, and then what the instance remembers decides. The compiler asks for it.",
  },
  {
    file: "provider/tokens/refresh-rotation.ts",
    code: '"; the login has been ended"',
    why: "They are words of a message.",
  },
  {
    file: "provider/tokens/refresh-rotation.ts",
    code: '""',
    why: "It stands in place of words of a message.",
  },
  {
    file: "provider/tokens/step.ts",
    code: '""',
    why: "It stands in place of keys that are missing, and opens as little as any text that nobody has sealed.",
  },
  {
    file: "provider/tokens/token-revoker.ts",
    code: "grantId === undefined || !grant",
    to: "false",
    why: "A grant that there is not is not alive, which is asked next with the same answer. The compiler asks for the look.",
  },
  {
    file: "provider/tokens/token-revoker.ts",
    code: "grantId === undefined || !grant",
    to: "grantId === undefined && !grant",
    why: "A grant that there is not is not alive, which is asked next with the same answer. The compiler asks for the look.",
  },
  {
    file: "provider/tokens/token-revoker.ts",
    code: "grantId === undefined",
    to: "false",
    why: "Beside the look at the grant: a token without a grant's id has no grant, which is not alive. The same look further down is killed.",
  },
  {
    file: "provider/tokens/token-revoker.ts",
    code: "expiresAt !== undefined",
    to: "true",
    why: "Every access token of a grant has an end. The compiler asks for it.",
  },
];
