export { sampleIndexes, sampleSchema } from "./storage/conformance/sample-schema.ts";
export { type ServeRepositoryOptions, serveRepository } from "./storage/conformance/serve-repository.ts";
export type {
  CreateRepository,
  HeldRead,
  RepositoryCase,
  RepositoryProcesses,
  RepositoryUnderTest,
  Requirement,
  SampleRecord,
} from "./storage/conformance/subject.ts";
export {
  repositoryCases,
  runRepositoryCase,
  type TestContext,
  type TestRepositoryOptions,
  type TestRunner,
  testRepository,
} from "./storage/conformance/test-repository.ts";
