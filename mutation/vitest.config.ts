import { defineConfig } from "vitest/config";
import configuration from "../vitest.config.ts";

// Stryker's own option for this leaves the mutants of constants switched off.
const chosen = process.env.MUTATION_TESTS?.split(",");

// The projects would add their own tests to the chosen ones, which would be all.
const { projects: _projects, isolate: _isolate, ...settings } = configuration.test ?? {};

/** Without what takes long for every mutant: browsers, programs of other people, servers in groups, random requests. */
export default defineConfig({
  test: {
    ...settings,
    include: chosen ?? ["test/**/*.test.ts"],
    exclude: [
      "test/{architecture,browser,cli,clients,docs,emulator,examples,explorer,fuzz,packaging}/**",
      "test/**/*{cluster.test,cluster-node,failover,durability,every-stack,race,openapi}*",
    ],
  },
});
