/**
 * How long a login takes with all state in Vault, by how long Vault takes for an answer, beside 17 calls one after another,
 * which is how the Python package of the same name goes about it. The emulator stands for Vault, and the upstream answers at
 * once, so that what is left is Vault's part.
 *
 *     npx node bench/vault-login.ts
 */
import { startPangeaEmulator } from "../src/emulator.ts";
import { McpOAuthProvider } from "../src/index.ts";
import { createVaultRepositories, PangeaVaultRepository } from "../src/vault.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../test/support/fake-upstream.ts";
import { ClientHarness, pkce } from "../test/support/provider-harness.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";
import { isShort, recordResult } from "./results.ts";

const pythonCalls = 17;
const sequence = "17 calls in sequence";
const baseUrl = "http://localhost:8000";
const circumstances = [
  { name: "20 ms an answer", milliseconds: 20, refused: 0, rounds: 12 },
  { name: "80 ms an answer", milliseconds: 80, refused: 0, rounds: 8 },
  { name: "200 ms an answer", milliseconds: 200, refused: 0, rounds: 5 },
  { name: "20 ms, one call in 20 is refused for a second (429)", milliseconds: 20, refused: 0.05, rounds: 8 },
];

await using emulator = await startPangeaEmulator({ authn: false });
const { baseUrlTemplate } = emulator;
await using provider = new McpOAuthProvider({
  baseUrl,
  scopes: ["user"],
  upstream: new FakeUpstream(Date.now),
  secret: "a secret of the Vault benchmark, of 32 characters or more",
  repositories: createVaultRepositories("pts_demo", { baseUrlTemplate }),
  rateLimits: false,
  logger: false,
});
const harness = new ClientHarness(provider, baseUrl);
const { client_id: clientId } = await harness.register();
const texts = new PangeaVaultRepository<string>(textCodec, "pts_demo", { baseUrlTemplate, folder: "/texts" });
await texts.set("text", "text");

async function logIn(): Promise<void> {
  const { verifier, challenge } = pkce();
  const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  const answer = await harness.finishLogin(logInAtFakeUpstream(location, "ada"), cookie);
  const code = answer.searchParams.get("code") ?? "";
  const { status } = await harness.redeem({ clientId, code, verifier });
  if (status !== 200) throw new Error(`The login ended with ${status}.`);
}

async function oneAfterAnother(): Promise<void> {
  for (let count = 0; count < pythonCalls; count++) await texts.get("text");
}

console.log(machine());
await logIn();
emulator.calls.reset();
await logIn();
const calls = emulator.calls.total("vault");
recordResult({ kind: "figure", name: "Vault calls of a login", value: calls });
const rows: (readonly (string | number)[])[] = [];
for (const { name, milliseconds, refused, rounds } of isShort ? circumstances.slice(0, 1) : circumstances) {
  emulator.faults.inject({ kind: "latency", milliseconds });
  if (refused > 0) emulator.faults.inject({ kind: "too-many-requests", retryAfterSeconds: 1, probability: refused });
  const contenders = { "a login": logIn, [sequence]: oneAfterAnother };
  const measured = await measureInTurns(contenders, { rounds, runsPerRound: 1 });
  emulator.faults.clear();
  measured.print(`A login with Vault, ${name}`, sequence);
  const inMilliseconds = (contender: keyof typeof contenders) => Math.round(measured.microseconds(contender) / 1000);
  rows.push([name, inMilliseconds("a login"), inMilliseconds(sequence)]);
  if (refused === 0) {
    const ratio = measured.ratio("a login", sequence);
    printGoal(`${name}: a login to ${sequence}`, ratio, "at most", 0.5);
  }
}
recordResult({
  kind: "table",
  title: `A login with Vault: ${calls} calls, some of them at once (medians, ms)`,
  columns: ["Vault", "a login", sequence],
  rows,
});
