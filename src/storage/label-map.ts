import type { IndexEntry, IndexQuery } from "./record-indexes.ts";

/** Which keys have which labels, in memory. */
export class LabelMap<K extends string> {
  readonly #keys = new Map<string, Set<K>>();

  add(key: K, entry: IndexEntry | undefined): void {
    for (const label of labelsIn(entry)) {
      const keys = this.#keys.get(label);
      if (keys === undefined) this.#keys.set(label, new Set([key]));
      else keys.add(key);
    }
  }

  remove(key: K, entry: IndexEntry | undefined): void {
    for (const label of labelsIn(entry)) {
      const keys = this.#keys.get(label);
      if (keys?.delete(key) === true && keys.size === 0) this.#keys.delete(label);
    }
  }

  /** The keys that have one of the labels. */
  find({ position, labels }: IndexQuery): K[] {
    return labels.flatMap((label) => [...(this.#keys.get(placed(position, label)) ?? [])]);
  }
}

function labelsIn(entry: IndexEntry | undefined): string[] {
  return (entry?.labels ?? []).flatMap((label, position) => (label === undefined ? [] : [placed(position, label)]));
}

function placed(position: number, label: string): string {
  return `${position}.${label}`;
}
