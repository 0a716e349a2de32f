import { isShort } from "../results.ts";
import type { Clients, Person } from "./clients.ts";
import type { LoadSummary } from "./open-loop.ts";

/** How long a load lasts, in seconds. */
export const seconds = isShort ? 0.3 : 4;
/** How many clients wait for their answers at a time where a peak is looked for. */
const atOnce = 32;

/** A flow that a client goes through: gives back what became of it. */
export type Flow = () => Promise<string>;

export const flowNames = ["refresh", "login", "guarded"] as const;

/** The flows of a group of people; nobody refreshes twice at a time. */
export function flowsOf(
  clients: Clients,
  people: readonly Person[],
): Readonly<Record<(typeof flowNames)[number], Flow>> {
  const idle = [...people];
  let next = 0;
  return {
    refresh: async () => {
      const person = idle.shift();
      if (person === undefined) return "nobody idle";
      try {
        return await clients.refresh(person);
      } finally {
        idle.push(person);
      }
    },
    login: () => clients.logIn(people[0]?.clientId ?? ""),
    guarded: async () => {
      const person = people[next++ % people.length];
      return person === undefined ? "nobody" : clients.call(person);
    },
  };
}

/** How many a second get through where some clients begin the next as soon as the last has ended. */
export async function peakOf(flow: Flow, duration = seconds * 1000): Promise<number> {
  const start = performance.now();
  let ended = 0;
  const one = async (): Promise<void> => {
    while (performance.now() - start < duration) {
      if (/^(?:200|ended)$/.test(await flow())) ended += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return (ended * 1000) / (performance.now() - start);
}

/** The flows that came to a good end. */
export const good = ({ kinds }: LoadSummary) => kinds["200"] ?? kinds.ended;

/** Figures as tables have them. */
export const whole = (value: number | undefined) =>
  value === undefined ? "–" : Math.round(value).toLocaleString("en");
export const fraction = (value: number | undefined) => (value === undefined ? "–" : value.toFixed(value < 10 ? 1 : 0));
