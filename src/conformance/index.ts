export { sampleSchema } from "./sample-schema.ts";
export type { CreateRepository, RepositoryCase, RepositoryUnderTest, Requirement, SampleRecord } from "./subject.ts";
export {
  repositoryCases,
  runRepositoryCase,
  type TestRepositoryOptions,
  type TestRunner,
  testRepository,
} from "./test-repository.ts";
