import { expect, it } from "vitest";
import { wrapRepositories } from "../../../src/records/repositories.ts";
import { createVaultRepositories } from "../../../src/vault.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { logInAda, startServer } from "../../support/fake-upstream-server.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

it("a refreshed upstream session is stored in Vault, whose names are unique: no two kinds of records share a key", async () => {
  const clock = new ManualClock();
  const upstream = new FakeUpstream(clock.read);
  const kindsOf = new Map<string, Set<string>>();
  const vault = createVaultRepositories("pts_demo", { baseUrlTemplate: emulator.baseUrlTemplate });
  const repositories = wrapRepositories(vault, (repository, kind) =>
    intercepted(repository, (run, { method, key }) => {
      if (method === "set" || method === "add") kindsOf.set(key, (kindsOf.get(key) ?? new Set()).add(kind));
      return run();
    }),
  );
  const open = () =>
    startServer({ upstream, repositories, clock: clock.read, accessTokenLifetimeSeconds: 24 * 3600, logger: false });
  const harness = open();
  const { clientId, access_token: token } = await logInAda(harness);
  const first = await harness.provider.upstreamToken({ token });

  clock.advanceSeconds(3601);
  const renewed = await harness.provider.upstreamToken({ token });
  expect(renewed.token).not.toBe(first.token);
  // An instance that begins now knows only what Vault has.
  expect((await open().provider.upstreamToken({ token })).token).toBe(renewed.token);

  expect((await harness.postForm("/revoke", { client_id: clientId, token })).status).toBe(200);
  await harness.provider[Symbol.asyncDispose]();
  const shared = [...kindsOf].filter(([, kinds]) => kinds.size > 1);
  expect(shared).toEqual([]);
  expect(new Set([...kindsOf.values()].flatMap((kinds) => [...kinds]))).toContain("upstreamSessions");
});
