/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
  // Relative to the root of the project, where Stryker is started.
  plugins: ["@stryker-mutator/vitest-runner", import.meta.resolve("./ignore-messages.js")],
  testRunner: "vitest",
  vitest: { configFile: "mutation/vitest.config.ts", related: true },
  // Nothing in tsconfig.json needs a change in the copy, and Stryker cannot read it with TypeScript 7.
  tsconfigFile: "none",
  ignorers: ["messages"],
  coverageAnalysis: "perTest",
  concurrency: 2,
  timeoutMS: 30_000,
  incremental: true,
  incrementalFile: "mutation/.results/incremental.json",
  tempDirName: ".stryker-tmp",
  ignorePatterns: [".stryker-tmp"],
  reporters: ["progress-append-only", "clear-text", "json"],
  jsonReporter: { fileName: "mutation/.results/report.json" },
  clearTextReporter: { reportTests: false, logTests: false, allowColor: false },
  allowEmpty: true,
};
