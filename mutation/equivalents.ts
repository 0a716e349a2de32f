import type { Equivalent } from "./equivalent.ts";
import { cached } from "./equivalents/cached.ts";
import { clients } from "./equivalents/clients.ts";
import { codecs } from "./equivalents/codecs.ts";
import { contract } from "./equivalents/contract.ts";
import { grants } from "./equivalents/grants.ts";
import { keys } from "./equivalents/keys.ts";
import { login } from "./equivalents/login.ts";
import { oauth } from "./equivalents/oauth.ts";
import { records } from "./equivalents/records.ts";
import { redis } from "./equivalents/redis.ts";
import { secrets } from "./equivalents/secrets.ts";
import { tokens } from "./equivalents/tokens.ts";
import { vault } from "./equivalents/vault.ts";

/** All mutants that may live, each with its reason. */
export const equivalents: readonly Equivalent[] = [
  ...secrets,
  ...oauth,
  ...keys,
  ...tokens,
  ...grants,
  ...clients,
  ...login,
  ...contract,
  ...codecs,
  ...cached,
  ...vault,
  ...redis,
  ...records,
];
