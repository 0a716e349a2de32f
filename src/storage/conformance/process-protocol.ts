import { z } from "zod";

/** What a process does with every key of a request, one after the other. */
export const processRequestSchema = z.object({
  method: z.enum(["get", "set", "add", "take", "delete"]),
  keys: z.array(z.string()).readonly(),
  /** What the records of a `set` or an `add` are named. */
  name: z.string(),
  /** Not before this time, in milliseconds since the epoch, so that all processes begin at once. */
  at: z.number(),
});

/** A line from the suite to a process. */
export type ProcessRequest = z.infer<typeof processRequestSchema>;

/** What a process answers for a key: what became of it. `found` has the name of the record that was given. */
export const processAnswerSchema = z.union([
  z.object({ done: z.boolean() }),
  z.object({ found: z.string().nullable() }),
  z.object({ failed: z.string() }),
]);

/** What became of one key. */
export type ProcessAnswer = z.infer<typeof processAnswerSchema>;

/** A line from a process to the suite: the first says that it is ready, the others answer a request each. */
export const processLineSchema = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({ answers: z.array(processAnswerSchema).readonly() }),
]);
