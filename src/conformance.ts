export { sampleSchema } from "./storage/conformance/sample-schema.ts";
export type {
  CreateRepository,
  HeldRead,
  RepositoryCase,
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
