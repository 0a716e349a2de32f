export { sampleSchema } from "./sample-schema.ts";
export type {
  CreateRepository,
  HeldRead,
  RepositoryCase,
  RepositoryUnderTest,
  Requirement,
  SampleRecord,
} from "./subject.ts";
export {
  repositoryCases,
  runRepositoryCase,
  type TestContext,
  type TestRepositoryOptions,
  type TestRunner,
  testRepository,
} from "./test-repository.ts";
