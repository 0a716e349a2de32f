/** Run by `node --test`, in a process of its own. */
import { describe, it } from "node:test";
import { testRepository } from "../../../src/conformance.ts";
import { buildRight, subjectOf } from "./text-repository.ts";
import { wrongBackends } from "./wrong-backends.ts";

const { RULE_TO_BREAK = "", MINIMAL } = process.env;
const build = wrongBackends[RULE_TO_BREAK] ?? buildRight;

testRepository(
  "TextRepository",
  () => (MINIMAL === undefined ? subjectOf(build) : { repository: subjectOf(build).repository }),
  { runner: { describe, it } },
);
