/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
  // Relative to the root of the project, where Stryker is started.
  plugins: ["@stryker-mutator/vitest-runner", import.meta.resolve("./ignore-messages.js")],
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.ts", related: true },
  // Nothing in tsconfig.json needs a change in the copy, and Stryker cannot read it with TypeScript 7.
  tsconfigFile: "none",
  ignorers: ["messages"],
  coverageAnalysis: "perTest",
  concurrency: 2,
  timeoutMS: 30_000,
  incremental: true,
  incrementalFile: "test/mutation/.results/incremental.json",
  tempDirName: ".stryker-tmp",
  reporters: ["clear-text", "json"],
  jsonReporter: { fileName: "test/mutation/.results/report.json" },
  clearTextReporter: { reportTests: false, logTests: false, allowColor: false },
  allowEmpty: true,
};
