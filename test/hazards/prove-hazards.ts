/**
 * Proves that the tests of the hazards can fail: takes out the rule that guards against each hazard, and runs the
 * hazard's tests. Prints a table, and fails where a test does not notice.
 *
 *     npx node test/hazards/prove-hazards.ts > test/hazards/README.md
 */
import { proveRules } from "../support/prove-rules.ts";
import { hazardRules } from "./hazard-rules.ts";

console.log(`# Hazards

What storage layers of this kind get wrong, each a test here, named after its hazard: \`cached-\`, \`redis-\`, \`sqlite-\`, \`index-\`, \`in-memory-\` and
\`provider-\` say where. That a test can fail was tried by taking its rule out: \`npx node test/hazards/prove-hazards.ts\` does
it again, in a copy of the tree, and prints this page.
`);
await proveRules("Hazard", "test/hazards", hazardRules);
