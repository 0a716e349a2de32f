/**
 * Explores the interleavings of requests: a million schedules, or as many as it is told. It prints what breaks, with the
 * shortest story that was found for each, and fails where something does.
 *
 *     npx node test/explorer/explore.ts [--schedules 1000000] [--seed 1] [--flow "redeem twice"] [--workers 2]
 *     npx node test/explorer/explore.ts --exhaustive 2 [--flow …]            every schedule with two deviations at the most
 *     npx node test/explorer/explore.ts --replay "4:2 9:3" --flow …          tells the story of one schedule, with
 *                                                                            --without 1 where the second task is left out
 *     npx node test/explorer/explore.ts --schedules 20000 --markdown         prints the table of README.md
 *     npx node test/explorer/explore.ts --schedules 20000 --json             prints what broke, and no story
 *
 * With `--late`, writes may also land after their callers were told that they failed. With `--variants`, every flow runs under
 * every other setting of `variants.ts` in place of its own.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Exploration, type ExplorationOptions } from "../support/explorer/explore.ts";
import type { Flow } from "../support/explorer/flow.ts";
import { flows } from "../support/explorer/flows.ts";
import { formatSchedule, parseSchedule } from "../support/explorer/schedule.ts";
import { shrink } from "../support/explorer/shrink.ts";
import { tellStory } from "../support/explorer/story.ts";
import { merged, type SurveyRow, survey } from "../support/explorer/survey.ts";
import { under, variants } from "../support/explorer/variants.ts";

/** What a worker is told to do, and what it tells. */
interface Order {
  readonly flows: readonly string[];
  readonly from: number;
  readonly count: number;
  readonly late: boolean;
}
type Report = { readonly done: number } | { readonly rows: readonly SurveyRow[] };

/** Every flow under every other setting. */
const varied = variants.flatMap((variant) => flows.map((flow) => under(flow, variant)));

// Nobody looks at the traces of the errors that are part of every schedule, and they cost.
Error.stackTraceLimit = 0;
if (isMainThread) await main();
else await work(workerData, (report) => parentPort?.postMessage(report));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      schedules: { type: "string", default: "1000000" },
      seed: { type: "string", default: "1" },
      flow: { type: "string", multiple: true },
      workers: { type: "string", default: String(availableParallelism()) },
      exhaustive: { type: "string" },
      replay: { type: "string" },
      without: { type: "string", multiple: true },
      markdown: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      late: { type: "boolean", default: false },
      variants: { type: "boolean", default: false },
    },
  });
  const chosen = (values.variants ? varied : flows).filter(({ name }) => values.flow?.includes(name) ?? true);
  if (chosen.length === 0)
    throw new RangeError(`The flows are: ${(values.variants ? varied : flows).map(({ name }) => name).join("; ")}.`);
  const options = optionsFor(values.late);
  if (values.replay !== undefined) return replay(chosen, values.replay, (values.without ?? []).map(Number), options);
  if (values.exhaustive !== undefined) return exhaust(chosen, Number(values.exhaustive), options);
  const began = performance.now();
  const schedules = Number(values.schedules);
  const { late } = values;
  const rows = await inWorkers(chosen, { seed: Number(values.seed), schedules, workers: Number(values.workers), late });
  const seconds = (performance.now() - began) / 1000;
  const ran = Math.ceil(schedules / chosen.length) * chosen.length;
  console.error(
    `${ran} schedules of ${chosen.length} flows in ${seconds.toFixed(0)} s, ${(ran / seconds).toFixed(0)} a second`,
  );
  if (values.json) console.log(JSON.stringify(rows));
  else await (values.markdown ? printTable(rows, options) : printStories(rows, options));
  if (rows.length > 0) process.exitCode = 1;
}

async function inWorkers(
  chosen: readonly Flow[],
  {
    seed,
    schedules,
    workers,
    late,
  }: { readonly seed: number; readonly schedules: number; readonly workers: number; readonly late: boolean },
): Promise<readonly SurveyRow[]> {
  const each = Math.ceil(schedules / chosen.length);
  const share = Math.ceil(each / workers);
  let done = 0;
  const orders = Array.from({ length: workers }, (_, index) => ({
    flows: chosen.map(({ name }) => name),
    from: seed + index * share,
    count: Math.max(0, Math.min(share, each - index * share)),
    late,
  }));
  const results = orders.map(
    (order) =>
      new Promise<readonly SurveyRow[]>((resolve, reject) => {
        const worker = new Worker(fileURLToPath(import.meta.url), { workerData: order });
        worker.on("message", (report: Report) => {
          if ("rows" in report) return resolve(report.rows);
          const before = Math.floor((done * 20) / schedules);
          done += report.done;
          if (Math.floor((done * 20) / schedules) > before) console.error(`${done} of ${schedules}`);
        });
        worker.on("error", reject);
      }),
  );
  const rows = merged((await Promise.all(results)).flat());
  const places = new Map([...flows, ...varied].map(({ name }, place) => [name, place]));
  return [...rows].sort((one, other) => (places.get(one.flow) ?? 0) - (places.get(other.flow) ?? 0));
}

async function work(order: Order, tell: (report: Report) => void): Promise<void> {
  const rows: SurveyRow[] = [];
  for (const name of order.flows) {
    const exploration = new Exploration(flowNamed(name), optionsFor(order.late));
    rows.push(...(await survey(exploration, order, (done) => tell({ done }))));
  }
  tell({ rows });
}

async function printStories(rows: readonly SurveyRow[], options: ExplorationOptions): Promise<void> {
  for (const { flow, count, seed, finding } of rows) {
    const exploration = new Exploration(flowNamed(flow), options);
    const shortest = await shrink(exploration, finding);
    console.log(`\nIn ${count} schedules, the first from seed ${seed} (${formatSchedule(finding.schedule)}):`);
    console.log(await tellStory(exploration, shortest));
  }
}

async function printTable(rows: readonly SurveyRow[], options: ExplorationOptions): Promise<void> {
  console.log("| Flow | Broken | First seed | Schedules | Shortest schedule |\n| --- | --- | --- | --- | --- |");
  const stories: string[] = [];
  for (const { flow, invariant, count, seed, finding } of rows) {
    const exploration = new Exploration(flowNamed(flow), options);
    const shortest = await shrink(exploration, finding);
    const { length } = shortest.schedule;
    const deviations = length === 0 ? "one task after the other" : `\`${formatSchedule(shortest.schedule)}\``;
    const schedule = [deviations, ...shortest.without.map((task) => `without ${task}`)].join(", ");
    console.log(`| ${flow} | ${invariant} | ${seed} | ${count} | ${schedule} |`);
    stories.push(`### ${flow}: ${invariant}\n\n\`\`\`text\n${await tellStory(exploration, shortest)}\n\`\`\``);
  }
  console.log(`\n## The stories\n\n${stories.join("\n\n")}`);
}

async function replay(
  chosen: readonly Flow[],
  text: string,
  without: readonly number[],
  options: ExplorationOptions,
): Promise<void> {
  const schedule = parseSchedule(text);
  for (const flow of chosen) {
    const exploration = new Exploration(flow, options);
    const [first] = await exploration.replay(schedule, without);
    const finding = first ?? { flow: flow.name, invariant: "", complaint: "", schedule, without };
    console.log(await tellStory(exploration, finding));
  }
}

async function exhaust(chosen: readonly Flow[], deviations: number, options: ExplorationOptions): Promise<void> {
  for (const flow of chosen) {
    const exploration = new Exploration(flow, options);
    const { schedules, findings } = await exploration.exhaustively(deviations);
    console.log(`${flow.name}: ${schedules} schedules, ${findings.length} findings`);
    for (const invariant of new Set(findings.map((each) => each.invariant))) {
      const first = findings.find((each) => each.invariant === invariant);
      if (first !== undefined) console.log(await tellStory(exploration, first));
      process.exitCode = 1;
    }
  }
}

function optionsFor(late: boolean): ExplorationOptions {
  return { bounds: { lateWrites: late } };
}

function flowNamed(name: string): Flow {
  const flow = [...flows, ...varied].find((candidate) => candidate.name === name);
  if (flow === undefined) throw new RangeError(`There is no flow "${name}".`);
  return flow;
}
