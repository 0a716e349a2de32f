/**
 * What is known to break, by flow. The suite fails where anything else breaks; an entry is taken out with the fault. There
 * is none.
 */
export const knownFaults: Readonly<Record<string, readonly string[]>> = {};
