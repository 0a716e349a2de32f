import { defineConfig } from "vitest/config";

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
    projects: [
      { extends: true, test: { name: "all", include: ["test/**/*.test.ts"] } },
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
