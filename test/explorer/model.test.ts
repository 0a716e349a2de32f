import { expect, it } from "vitest";
import type { Finding } from "../support/explorer/explore.ts";
import { Exploration } from "../support/explorer/explore.ts";
import { flows } from "../support/explorer/flows.ts";
import { tellStory } from "../support/explorer/story.ts";
import { survey } from "../support/explorer/survey.ts";
import { knownFaults } from "./known-faults.ts";

const schedules = 150;
const afterOneDeviation = 100;

// A million of them: npx node test/explorer/explore.ts
it.each(flows)("$name: no schedule breaks what is true of all", { timeout: 120_000 }, async (flow) => {
  const known = knownFaults[flow.name] ?? [];
  const isNew = ({ invariant }: { readonly invariant: string }): boolean => !known.includes(invariant);
  const exploration = new Exploration(flow);
  const drawn = await survey(exploration, { from: 1, count: schedules });
  const { findings } = await exploration.exhaustively(1, afterOneDeviation);
  const broken: readonly Finding[] = [...drawn.map(({ finding }) => finding), ...findings].filter(isNew);
  const [first] = broken;
  expect(first && (await tellStory(exploration, first))).toBeUndefined();
});
