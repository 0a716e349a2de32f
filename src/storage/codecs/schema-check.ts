import { z } from "zod";
import { requireThat } from "../../option-checks.ts";

/**
 * Refuses what is no schema of zod 4, such as one of zod 3.
 *
 * @param user - Who needs the schema, for the message.
 * @throws {ConfigurationError} when it is none.
 */
export function requireSchema(user: string, schema: unknown): void {
  requireThat(schema instanceof z.core.$ZodType, `${user} needs a schema of zod 4, such as z.object({ … }).`);
}
