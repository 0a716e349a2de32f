import type { z } from "zod";
import { invalid, type PangeaReply, type ValidationProblem, validationError } from "../http/envelope.ts";

/** A request that satisfies its schema, or the reply that refuses it. */
export type Validated<T> =
  | { readonly ok: true; readonly request: T }
  | { readonly ok: false; readonly refusal: PangeaReply };

/** Parses a request body as JSON. */
export function parseJson(body: string): Validated<unknown> {
  try {
    return { ok: true, request: JSON.parse(body) };
  } catch {
    return { ok: false, refusal: invalid("BadFormat", "", "The request body is not JSON.") };
  }
}

/** Checks a parsed body against an endpoint's schema and reports what is wrong in Pangea's codes. */
export function validate<T>(schema: z.ZodType<T>, body: unknown): Validated<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return { ok: true, request: parsed.data };
  return { ok: false, refusal: validationError(parsed.error.issues.flatMap((issue) => problems(issue, body))) };
}

/** A JSON pointer (RFC 6901) to a part of the request. */
function pointer(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

const INVALID_TYPE: Readonly<Record<string, readonly [code: string, detail: string]>> = {
  string: ["InvalidString", "Must be a string."],
  number: ["InvalidNumber", "Must be a number."],
  int: ["InvalidInteger", "Must be an integer."],
  boolean: ["InvalidBool", "Must be a boolean."],
  array: ["InvalidArray", "Must be an array."],
  object: ["InvalidObject", "Must be an object."],
  record: ["InvalidObject", "Must be an object."],
};

function problems(issue: z.core.$ZodIssue, body: unknown): ValidationProblem[] {
  const source = pointer(issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      code: "UnexpectedProperty",
      detail: "There is no such property.",
      source: `${source}${pointer([key])}`,
    }));
  }
  if (issue.path.length > 0 && valueAt(body, issue.path) === undefined) {
    return [{ code: "FieldRequired", detail: "This field is required.", source }];
  }
  const [code, detail] = describe(issue);
  return [{ code, detail, source }];
}

function describe(issue: z.core.$ZodIssue): readonly [code: string, detail: string] {
  switch (issue.code) {
    case "invalid_type":
      return INVALID_TYPE[issue.expected] ?? ["BadFormat", "Has the wrong type."];
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

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  let value = body;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}
