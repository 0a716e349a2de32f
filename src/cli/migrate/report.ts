import { copyOrder } from "../../records/copy-repositories.ts";
import type { ProviderRecords } from "../../records/repositories.ts";
import type { CopyReport } from "../../storage/copy-repository.ts";
import { drawTable } from "../table.ts";

/** What has been copied of each kind, as far as the copying went. */
export type KindReports = ReadonlyMap<keyof ProviderRecords, CopyReport>;

const outcomes = ["written", "unchanged", "kept", "gone", "failed", "removed"] as const satisfies (keyof CopyReport)[];
const empty: CopyReport = { written: 0, unchanged: 0, kept: 0, gone: 0, failed: 0, removed: 0 };

/** How many records of the source a report is about. */
export function countedRecords({ written, unchanged, kept, gone, failed }: CopyReport): number {
  return written + unchanged + kept + gone + failed;
}

/** The reports of all kinds together. */
export function totalOf(reports: KindReports): CopyReport {
  const total = { ...empty };
  for (const report of reports.values()) for (const outcome of outcomes) total[outcome] += report[outcome];
  return total;
}

/** The report of every kind, those without records too. */
export function reportOf(reports: KindReports, name: keyof ProviderRecords): CopyReport {
  return reports.get(name) ?? empty;
}

/** The reports as a table of up to 80 columns. A column that has nothing but zeros is left out, but for the first two. */
export function drawReport(reports: KindReports): string {
  const total = totalOf(reports);
  const shown = outcomes.filter((outcome, index) => index < 2 || total[outcome] > 0);
  const row = (title: string, report: CopyReport) => [title, ...shown.map((outcome) => String(report[outcome]))];
  return drawTable(
    [{ title: "records" }, ...shown.map((title) => ({ title, isNumber: true }))],
    [...copyOrder.map((name) => row(name, reportOf(reports, name))), row("all", total)],
    "last",
  );
}
