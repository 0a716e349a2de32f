import { describe, expect, it } from "vitest";
import { Exploration, type Finding } from "../support/explorer/explore.ts";
import type { Flow } from "../support/explorer/flow.ts";
import { flows } from "../support/explorer/flows.ts";
import type { Invariant } from "../support/explorer/invariants.ts";
import { formatSchedule, parseSchedule, ReplayingChooser } from "../support/explorer/schedule.ts";
import { shrink } from "../support/explorer/shrink.ts";
import { Stage, settled } from "../support/explorer/stage.ts";
import { tellStory } from "../support/explorer/story.ts";

function flowNamed(name: string): Flow {
  const flow = flows.find((candidate) => candidate.name === name);
  if (flow === undefined) throw new Error(`There is no flow "${name}".`);
  return flow;
}

/** Stands for a rule that is broken by some schedules only: the second window is answered before the first one. */
const firstComesFirst: Invariant = {
  name: "the first one is answered first",
  async broken({ calls }) {
    const last = calls.filter(({ task }) => task >= 0).at(-1);
    return last?.task === 0 ? "the first one is answered last" : undefined;
  },
};

const quiet = { bounds: { faults: 0, restarts: 0, advances: 0, skews: false, splits: false } };

describe("a stage", () => {
  it("holds a step until it is told, before its effect and before its answer", async () => {
    const stage = new Stage();
    stage.isHeld = true;
    const log: string[] = [];
    const effect = () => log.push("effect");
    const asked = stage.pass({ kind: "store", instance: 0, describe: () => "", effect }).then(() => log.push("answer"));
    const [step] = stage.waiting;
    await settled();
    expect(log).toEqual([]);
    step?.act();
    await settled();
    expect(log).toEqual(["effect"]);
    step?.answer();
    await asked;
    expect(log).toEqual(["effect", "answer"]);
  });

  it("loses an answer after the effect, and no effect comes of a step that failed before it", async () => {
    const stage = new Stage();
    stage.isHeld = true;
    let effects = 0;
    const ask = () =>
      stage.pass({
        kind: "store",
        instance: 0,
        describe: () => "",
        effect: () => {
          effects += 1;
          return "done";
        },
        faults: { "failed before its effect": () => "failed", "answer lost after its effect": () => "lost" },
      });
    const answers = [ask(), ask()];
    const [one, other] = stage.waiting;
    one?.fail("failed before its effect");
    expect(effects).toBe(0);
    other?.fail("answer lost after its effect");
    expect(effects).toBe(1);
    expect(await Promise.all(answers)).toEqual(["failed", "lost"]);
  });
});

describe("an exploration", () => {
  it("does the same for the same seed, whatever ran before it", async () => {
    const flow = flowNamed("refresh and revoke");
    const storiesOf = async (seeds: readonly number[]): Promise<string[]> => {
      const exploration = new Exploration(flow, { invariants: [firstComesFirst] });
      const stories: string[] = [];
      for (const seed of seeds) {
        for (const finding of await exploration.atRandom(seed)) stories.push(await tellStory(exploration, finding));
      }
      return stories;
    };
    const seeds = Array.from({ length: 30 }, (_, index) => index);
    const stories = await storiesOf(seeds);
    expect(stories.length).toBeGreaterThan(3);
    expect(stories.every((story) => story.includes(`Broken: ${firstComesFirst.name}`))).toBe(true);
    expect((await storiesOf([...seeds].reverse())).reverse()).toEqual(stories);
  });

  it("runs every schedule once, those with fewer deviations first", async () => {
    const exploration = new Exploration(flowNamed("redeem twice"), { ...quiet, invariants: [] });
    const seen = new Set<string>();
    const depths: number[] = [];
    const watched: Invariant = {
      name: "seen",
      broken: async ({ world }) => `${world.actions}`,
    };
    const watching = new Exploration(flowNamed("redeem twice"), { ...quiet, invariants: [watched] });
    const { findings, isComplete, schedules } = await watching.exhaustively(2);
    for (const { schedule } of findings) {
      seen.add(formatSchedule(schedule));
      depths.push(schedule.length);
    }
    expect(isComplete).toBe(true);
    expect(seen.size).toBe(schedules);
    expect(depths).toEqual([...depths].sort((one, other) => one - other));
    expect((await exploration.exhaustively(0)).schedules).toBe(1);
  });

  it("replays what it found, from its text", async () => {
    const exploration = new Exploration(flowNamed("refresh twice"), { invariants: [firstComesFirst] });
    const found = await firstOf(exploration);
    const again = await exploration.replay(parseSchedule(formatSchedule(found.schedule)));
    expect(again.map(({ complaint }) => complaint)).toEqual([found.complaint]);
  });

  it("shrinks what it found to one change of task", async () => {
    const exploration = new Exploration(flowNamed("refresh twice"), { invariants: [firstComesFirst] });
    const found = await firstOf(exploration);
    const shortest = await shrink(exploration, found);
    expect(shortest.schedule.length).toBeLessThanOrEqual(1);
    const story = await tellStory(exploration, shortest);
    expect(story).toMatch(/^Flow: refresh twice\. Schedule: /);
    expect(story).not.toMatch(/pmcp_|sha256-/);
  });
});

describe("a chooser", () => {
  it("takes what comes first of itself where the schedule says nothing, or what is not there", () => {
    const chooser = new ReplayingChooser([
      { at: 1, option: 2 },
      { at: 2, option: 9 },
    ]);
    const options = () => [{ kind: "begin" as const }, { kind: "begin" as const }, { kind: "begin" as const }];
    expect([0, 1, 2, 3].map(() => chooser.choose(options))).toEqual([0, 2, 0, 0]);
  });
});

async function firstOf(exploration: Exploration): Promise<Finding> {
  for (let seed = 1; seed < 200; seed += 1) {
    const [finding] = (await exploration.atRandom(seed)).filter(({ schedule }) => schedule.length > 2);
    if (finding !== undefined) return finding;
  }
  throw new Error("Nothing was found.");
}
