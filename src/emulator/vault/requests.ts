import { z } from "zod";
import { parseFilter } from "./filters.ts";
import { versionStates } from "./item.ts";

/** The longest secret that Vault takes, in characters (Unicode code points, as JSON Schema counts). */
const secretMaximumLength = 10_240;

const itemId = z.string().regex(/^pvi_[a-z2-7]{32}$/);
const folder = z.string().regex(/^[0-9a-zA-Z_.\-/ ]*$/);
const folderName = folder.regex(/[^/]/);
const labels = { metadata: z.record(z.string(), z.string()).optional(), tags: z.array(z.string()).optional() };
const dateTime = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const secret = z
  .string()
  .min(1)
  // A string has at least as many UTF-16 units as code points, so most need no count.
  .refine((text) => text.length <= secretMaximumLength || [...text].length <= secretMaximumLength, {
    message: `Must have at most ${secretMaximumLength} characters.`,
    params: { code: "AboveMaxLength" },
  });

/** A problem that Zod does not know, with Pangea's code for it. */
function issue(code: string, message: string, ...path: string[]) {
  return { code: "custom", message, path, params: { code } } as const;
}

const durationUnits: readonly (readonly [units: RegExp, milliseconds: number])[] = [
  [/^(s|secs?)$/, 1000],
  [/^(m|mins?)$/, 60_000],
  [/^(h|hrs?)$/, 3_600_000],
  [/^(d|days?)$/, 86_400_000],
  [/^(w|weeks?)$/, 604_800_000],
  [/^(M|months?)$/, 2_592_000_000],
  [/^(y|years?)$/, 31_536_000_000],
];

function durationOf(text: string): number | undefined {
  const [, count, unit] = /^([1-9][0-9]*) ?([a-zA-Z]+)$/.exec(text) ?? [];
  const milliseconds = durationUnits.find(([units]) => units.test(unit ?? ""))?.[1];
  return count === undefined || milliseconds === undefined ? undefined : Number(count) * milliseconds;
}

const duration = z.string().transform((text, context) => {
  const milliseconds = durationOf(text);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue(issue("BadFormatPangeaDuration", "Must be a positive number and a unit, such as 1d."));
  return z.NEVER;
});

/** A duration that is kept as it was given, or one of the words that stand for none. */
function durationOr(...words: string[]) {
  return z.string().refine((text) => words.includes(text) || durationOf(text) !== undefined, {
    message: ["Must be a positive number and a unit, such as 1d", ...words].join(", or "),
    params: { code: "BadFormatPangeaDuration" },
  });
}

const folderRotationState = z.enum(["deactivated", "destroyed", "inherited"]).optional();

/** `v2/secret/store`, for type `secret`. Vault's schema lets unknown properties pass here and in `v2/update`. */
export const storeRequest = z.object({
  type: z.literal("secret").optional(),
  secret,
  name: z.string().optional(),
  folder: folder.optional(),
  ...labels,
  disabled_at: dateTime.optional(),
  encrypting_item_id: z.string().optional(),
});

/** `v2/secret/rotate`, for a secret. */
export const rotateRequest = z.strictObject({
  id: itemId,
  secret,
  rotation_state: z.enum(["deactivated", "suspended", "destroyed"]).optional(),
});

/** `v2/get`. */
export const getRequest = z.strictObject({
  id: itemId,
  version: z.union([z.int(), z.string().regex(/^(all|-?[0-9]+|-[0-9]+:)$/)]).optional(),
});

const filter = z
  .record(z.string(), z.unknown())
  .transform((fields, context) =>
    parseFilter(fields, (field, ...problem) => context.addIssue(issue(...problem, field))),
  );

const orders =
  "id type created_at algorithm purpose expiration last_rotated next_rotation name folder item_state".split(" ");

const search = {
  filter: filter.optional(),
  size: z.int().min(1).max(100).optional(),
  order: z.enum(["asc", "desc"]).optional(),
  order_by: z.enum(orders).optional(),
  last: z.string().optional(),
};

/** `v2/list`. */
export const listRequest = z.strictObject(search);

/** `v2/get_bulk`. */
export const getBulkRequest = z.strictObject({ ...search, version: z.record(itemId, z.int().min(1)).optional() });

/** What `v2/list` and `v2/get_bulk` have in common, once valid. */
export type SearchRequest = z.output<typeof listRequest>;

/** `v2/update`. */
export const updateRequest = z.object({
  id: itemId,
  type: z.enum(["secret", "folder"]).optional(),
  name: z.string().optional(),
  folder: folder.optional(),
  ...labels,
  enabled: z.boolean().optional(),
  disabled_at: dateTime.optional(),
  rotation_frequency: durationOr("never", "inherited").optional(),
  rotation_state: folderRotationState,
  rotation_grace_period: durationOr("inherited").optional(),
});

/** `v2/delete`. */
export const deleteRequest = z.strictObject({ id: itemId, recursive: z.boolean().optional() });

/** `v2/state/change`. */
export const stateChangeRequest = z.strictObject({
  id: itemId,
  state: z.enum(versionStates),
  version: z.int().min(1).optional(),
  destroy_period: duration.optional(),
});

/** `v2/folder/create`. */
export const createFolderRequest = z.strictObject({
  name: folderName,
  folder,
  ...labels,
  rotation_frequency: durationOr("never").optional(),
  rotation_state: folderRotationState,
  rotation_grace_period: durationOr().optional(),
});
