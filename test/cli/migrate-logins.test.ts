import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { ProviderRepositories } from "../../src/index.ts";
import { FakeUpstream } from "../support/fake-upstream.ts";
import { logInAda, startServer } from "../support/fake-upstream-server.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import type { StoreKind } from "../support/migration-stores.ts";
import type { IssuedTokens } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { useMigrationStores } from "../support/use-migration-stores.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const secret = "the-secret-of-both-stores".padEnd(40, "s");

const emulator = useEmulator();
const servers = useMigrationStores(emulator);

/** A server on a store, where a token that was used before is refused and the login goes on. */
function serverOn(repositories: ProviderRepositories, clock: ManualClock, upstream: FakeUpstream) {
  const kept = { upstream, repositories, secret, clock: clock.read };
  return startServer({ ...kept, logger: false, onRefreshReuse: "refuse" });
}

/** Runs the command as a user does. It rejects where the command ends with another code than 0. */
async function migrate(...words: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [main, "migrate", ...words], {
    env: {
      ...process.env,
      PANGEA_VAULT_TOKEN: "pts_test",
      PANGEA_BASE_URL_TEMPLATE: emulator.baseUrlTemplate,
      FROM_STORAGE_SECRET: secret,
      TO_STORAGE_SECRET: secret,
    },
  });
}

/** The command copies to the new store, or back, with further words; or the client refreshes for an hour and more at a store. */
type Step = ["copy" | "copy back", ...words: string[]] | ["use", "old" | "new"];

const moves: { readonly move: string; readonly steps: Step[]; readonly ends: "old" | "new" }[] = [
  { move: "as documented", steps: [["copy"], ["use", "old"], ["copy", "--remove-missing"]], ends: "new" },
  {
    move: "and back",
    steps: [["copy"], ["copy", "--remove-missing"], ["use", "new"], ["copy back"], ["copy back", "--remove-missing"]],
    ends: "old",
  },
  { move: "onto a server that runs already", steps: [["copy"], ["use", "new"], ["copy", "--keep"]], ends: "new" },
  { move: "once more, from long before", steps: [["copy"], ["use", "new"], ["copy"]], ends: "new" },
];
const pairs: { readonly from: StoreKind; readonly to: StoreKind }[] = [
  { from: "sqlite", to: "redis" },
  { from: "redis", to: "postgres" },
  { from: "postgres", to: "vault" },
  { from: "vault", to: "sqlite" },
];
// Every move between two stores, and between the others the one that has most of the rest in it.
const cases = pairs.flatMap((pair, index) =>
  moves.filter(({ move }) => index === 0 || move === "and back").map((move) => ({ ...pair, ...move })),
);
let namespaces = 0;

it.each(cases)(
  "a login that moves from $from to $to, $move, goes on, and none of its spent refresh tokens is good again",
  async ({ from, to, steps, ends }) => {
    namespaces += 1;
    const places = {
      old: { kind: from, namespace: `old-${namespaces}` },
      new: { kind: to, namespace: `new-${namespaces}` },
    };
    // The command looks at the real time: what has ended by then has left the store.
    const clock = new ManualClock(Math.floor(Date.now() / 1_000 - 6 * 3_600) * 1_000);
    const upstream = new FakeUpstream(clock.read);
    const open = ({ kind, namespace }: { kind: StoreKind; namespace: string }) =>
      servers.stores[kind].open({ namespace, secret, clock: clock.read });
    await using old = await open(places.old);
    await using next = await open(places.new);
    const server = { old: () => serverOn(old, clock, upstream), new: () => serverOn(next, clock, upstream) };

    const spent: IssuedTokens[] = [await logInAda(server.old())];
    const refreshAt = async (place: "old" | "new") => {
      clock.advanceSeconds(1_200);
      const last = spent.at(-1) ?? expect.fail();
      spent.push({ ...last, ...(await jsonOf(await server[place]().refresh(last))) });
    };
    await refreshAt("old");
    for (const [step, ...words] of steps) {
      if (step === "use") {
        for (let time = 0; time < 4; time += 1) await refreshAt(words[0] === "new" ? "new" : "old");
        continue;
      }
      const [source, target] = step === "copy" ? [places.old, places.new] : [places.new, places.old];
      await migrate(
        `--from=${servers.stores[source.kind].address}`,
        `--from-namespace=${source.namespace}`,
        `--to=${servers.stores[target.kind].address}`,
        `--to-namespace=${target.namespace}`,
        ...words,
      );
    }

    clock.advance(Date.now() - clock.read());
    const live = spent.pop() ?? expect.fail();
    // The one before the live token gets its answer again, for as long as the live one is unused.
    for (const token of spent.slice(0, -1)) {
      expect(await jsonOf(await server[ends]().refresh(token))).toMatchObject({ error: "invalid_grant" });
    }
    expect((await server[ends]().refresh(live)).status).toBe(200);
  },
);
