import type { IndexEntry } from "../record-indexes.ts";

/**
 * The member of an item's metadata that says which package stored it. An item that has a place in the index says so by that
 * place instead: so what has none can be searched for.
 */
export const writerMember = "writer";

/** The mark of this package. */
export const ownWriter = "pangea-authn-fastmcp";

/** The member of an item's metadata that says how its labels were made. */
export const schemeMember = "indexed";

/** The member of an item's metadata that has the label of an index. Its name is a plain word, for it stands in filters. */
export function labelMember(position: number): string {
  return `label${position + 1}`;
}

/** What an item's metadata has where the index finds it; undefined for an entry without labels. */
export function indexMembers(entry: IndexEntry | undefined): Readonly<Record<string, string>> | undefined {
  if (entry === undefined || entry.scheme === "") return undefined;
  const labels = entry.labels.flatMap((label, position) =>
    label === undefined ? [] : [[labelMember(position), label]],
  );
  return { [schemeMember]: entry.scheme, ...Object.fromEntries(labels) };
}

/** A text for the place that metadata gives an item in the index; undefined where it gives none. */
export function indexPlaceOf(metadata: Readonly<Record<string, string>>): string | undefined {
  // Where Vault keeps the members that an update leaves out, the writer's mark counts.
  if (metadata[schemeMember] === undefined || metadata[writerMember] !== undefined) return undefined;
  return JSON.stringify([
    metadata[schemeMember],
    metadata[labelMember(0)],
    metadata[labelMember(1)],
    metadata[labelMember(2)],
  ]);
}
