import { type ZodType, z } from "zod";
import type { Indexes } from "../indexed.ts";
import type { SampleRecord } from "./subject.ts";

/** The schema of the records that the suite writes: give it to the repository under test. */
export const sampleSchema: ZodType<SampleRecord> = z.object({
  name: z.string(),
  list: z.array(z.string()),
  expiresAt: z.number().exactOptional(),
});

/** The indexes that the suite asks for: give them to the repository under test where it finds records by one. */
export const sampleIndexes: Indexes<SampleRecord> = { name: ({ name }) => name };
