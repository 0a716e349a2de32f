import { defineConfig, mergeConfig } from "vitest/config";
import configuration from "../../vitest.config.ts";

/** Without what takes long for every mutant: browsers, programs of other people, servers in groups, random requests. */
export default mergeConfig(
  configuration,
  defineConfig({
    test: {
      exclude: [
        "**/node_modules/**",
        "test/{architecture,browser,cli,clients,docs,emulator,examples,explorer,fuzz}/**",
        "test/**/*{cluster,failover,durability,every-stack,race,openapi}*",
      ],
    },
  }),
);
