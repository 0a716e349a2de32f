import { ConfigurationError } from "../errors.ts";

/** What was typed is no command of this program. The program ends with 2. */
export class UsageError extends ConfigurationError {}
