import type { NumberedRecord } from "./plain-model.ts";

/** What a store holds under one key: the number of a record, or nothing. */
export type HeldNumber = number | undefined;

/** An operation on one key that has ended, and how. */
export type Ended =
  | { readonly do: "get" | "take"; readonly answer: HeldNumber }
  | { readonly do: "delete"; readonly answer: boolean }
  | { readonly do: "set"; readonly number: number }
  | { readonly do: "add"; readonly number: number; readonly answer: boolean }
  /** It failed, and may have been done or not. */
  | { readonly do: "failed set" | "failed add"; readonly number: number }
  | { readonly do: "failed removal" }
  | { readonly do: "failed get" };

export const numberOf = (record: NumberedRecord | undefined): HeldNumber => record?.number;

/**
 * Looks for an order of operations that overlapped in which every answer is right.
 *
 * @param before - What the store may have held before.
 * @returns What it may hold afterwards; nothing where there is no such order.
 */
export function explain(before: readonly HeldNumber[], operations: readonly Ended[]): readonly HeldNumber[] {
  const after = new Set<HeldNumber>();
  const order = (held: HeldNumber, rest: readonly Ended[]): void => {
    if (rest.length === 0) after.add(held);
    for (const next of rest) {
      const others = rest.filter((operation) => operation !== next);
      for (const then of outcomes(held, next)) order(then, others);
    }
  };
  for (const held of before) order(held, operations);
  return [...after];
}

/** What the store may hold after the operation; nothing where its answer would be wrong. */
function outcomes(held: HeldNumber, operation: Ended): readonly HeldNumber[] {
  switch (operation.do) {
    case "get":
      return operation.answer === held ? [held] : [];
    case "take":
      return operation.answer === held ? [undefined] : [];
    case "delete":
      return operation.answer === (held !== undefined) ? [undefined] : [];
    case "set":
      return [operation.number];
    case "add":
      if (operation.answer !== (held === undefined)) return [];
      return [operation.answer ? operation.number : held];
    case "failed add":
      return held === undefined ? [held, operation.number] : [held];
    case "failed set":
      return [held, operation.number];
    case "failed get":
      return [held];
    case "failed removal":
      return [held, undefined];
  }
}
