import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { configDefaults, defineConfig } from "vitest/config";

/**
 * Tests that replace a module, the clock or something global, or that start a database, have a worker for themselves: what they
 * leave behind must not meet the next test. All others share what their worker has loaded: to load the sources anew for each
 * file takes as long as to run the tests.
 */
const needsWorker = [
  /\bvi\.(?:mock|doMock|useFakeTimers|stubGlobal|stubEnv)\(/,
  /support\/[a-z-]*(?:redis|postgres|pgbouncer|every-stack|migration-stores)[a-z-]*\.ts"/,
];
const alone = globSync("test/**/*.test.ts", { cwd: import.meta.dirname, exclude: ["**/node_modules"] }).filter(
  (file) => {
    const source = readFileSync(join(import.meta.dirname, file), "utf8");
    return needsWorker.some((pattern) => pattern.test(source));
  },
);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // On a machine that is busy with something else, what is waited for takes longer than the second of the default.
    expect: { poll: { timeout: 30_000 } },
    // A test that needs its second try is a bug, and vitest says which one needed it; it keeps no other change from landing.
    retry: process.env.CI === undefined ? 0 : 1,
    globalSetup: ["test/support/install-packages.ts", "test/support/build-drivers.ts"],
    // CI has two cores, and a third of the time a worker waits for a server or a browser.
    maxWorkers: 3,
    isolate: false,
    // Programs that tests start find the sources compiled.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/node-compile-cache") },
    projects: [
      {
        extends: true,
        test: { name: "all", include: ["test/**/*.test.ts"], exclude: [...configDefaults.exclude, ...alone] },
      },
      { extends: true, test: { name: "alone", include: alone, isolate: true } },
      {
        extends: true,
        // What these tests import is the version before, which is supported too.
        resolve: { alias: [{ find: /^ioredis$/, replacement: "ioredis5" }] },
        test: {
          name: "ioredis 5",
          env: { IOREDIS: "5" },
          // What lies between this package and its client: everything that is promised, connections that are lost, settings.
          include: [
            "conformance",
            "outage",
            "error-events",
            "invalidation-*",
            "client-settings",
            "ioredis-versions",
          ].map((name) => `test/storage/redis/${name}.test.ts`),
        },
      },
    ],
  },
});
