import type { z } from "zod";
import { invalid, type PangeaReply, type ValidationProblem, validationError } from "./envelope.ts";
import { parseJson } from "./request-body.ts";

/**
 * Makes an endpoint of a service that is called with JSON. The endpoint takes a request's body as text, refuses a body
 * that is not JSON or that does not satisfy the schema in Pangea's codes, and has `handle` answer any other.
 *
 * @example
 * ```ts
 * const greet = jsonEndpoint(z.strictObject({ name: z.string() }), ({ name }) => success(`Hello ${name}`, {}));
 * greet("{}", undefined); // a validation error with the code FieldRequired at /name
 * ```
 */
export function jsonEndpoint<Request, Context, Reply>(
  schema: z.ZodType<Request>,
  handle: (request: Request, context: Context) => Reply,
): (body: string, context: Context) => Reply | PangeaReply {
  return (body, context) => {
    const json = parseJson(body);
    if (json === undefined) return invalid("BadFormat", "", "The request body is not JSON.");
    const parsed = schema.safeParse(json, { reportInput: true });
    if (parsed.success) return handle(parsed.data, context);
    return validationError(parsed.error.issues.flatMap(problems));
  };
}

/** A JSON pointer ({@link https://www.rfc-editor.org/rfc/rfc6901 RFC 6901}) to a part of the request. */
function pointer(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

const wrongTypes: Readonly<Record<string, readonly [code: string, detail: string]>> = {
  string: ["InvalidString", "Must be a string."],
  number: ["InvalidNumber", "Must be a number."],
  int: ["InvalidInteger", "Must be an integer."],
  boolean: ["InvalidBool", "Must be a boolean."],
  array: ["InvalidArray", "Must be an array."],
  object: ["InvalidObject", "Must be an object."],
  record: ["InvalidObject", "Must be an object."],
};

function problems(issue: z.core.$ZodIssue): ValidationProblem[] {
  const source = pointer(issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      code: "UnexpectedProperty",
      detail: "There is no such property.",
      source: `${source}${pointer([key])}`,
    }));
  }
  const isMissing = issue.path.length > 0 && issue.input === undefined;
  const [code, detail] = isMissing ? ["FieldRequired", "This field is required."] : describe(issue);
  return [{ code, detail, source }];
}

function describe(issue: z.core.$ZodIssue): readonly [code: string, detail: string] {
  switch (issue.code) {
    case "invalid_type":
      return wrongTypes[issue.expected] ?? ["BadFormat", "Has the wrong type."];
    case "too_small":
      if (issue.origin === "string") return ["BelowMinLength", `Must have at least ${issue.minimum} characters.`];
      return ["NotWithinRange", `Must be at least ${issue.minimum}.`];
    case "too_big":
      if (issue.origin === "string") return ["AboveMaxLength", `Must have at most ${issue.maximum} characters.`];
      return ["NotWithinRange", `Must be at most ${issue.maximum}.`];
    case "invalid_format":
      if (issue.format === "datetime") return ["BadFormatDateTime", "Must be an RFC 3339 date and time."];
      return ["DoesNotMatchPattern", `Does not match the pattern ${issue.pattern ?? "of the field"}.`];
    case "invalid_value":
      if (issue.values.length === 1) return ["InvalidConst", `Must be ${JSON.stringify(issue.values[0])}.`];
      return ["NotEnumMember", `Must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}.`];
    case "custom":
      return [typeof issue.params?.code === "string" ? issue.params.code : "BadFormat", issue.message];
    default:
      return ["BadFormat", "Has the wrong form."];
  }
}
