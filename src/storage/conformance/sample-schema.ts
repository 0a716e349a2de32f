import { type ZodType, z } from "zod";
import type { SampleRecord } from "./subject.ts";

/** The schema of the records that the suite writes: give it to the repository under test. */
export const sampleSchema: ZodType<SampleRecord> = z.object({
  name: z.string(),
  list: z.array(z.string()),
  expiresAt: z.number().exactOptional(),
});
