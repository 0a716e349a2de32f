/**
 * Proves that the tests of the attacks can fail: takes out the rule that stops each attack, and runs the attack's tests.
 * Prints a table, and fails where a test does not notice.
 *
 *     npx node test/attacks/prove-attacks.ts > test/attacks/README.md
 */
import { proveRules } from "../support/prove-rules.ts";
import { attackRules } from "./attack-rules.ts";

console.log(`# Attacks

One file for each attack on the authorization server, named after it; each also walks the honest way. That a test can fail
was tried by taking out the rule that stops the attack: \`npx node test/attacks/prove-attacks.ts\` does it again, in a copy of
the tree, and prints this page.
`);
await proveRules("Attack", "test/attacks", attackRules);
