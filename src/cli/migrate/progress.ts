import { copyOrder } from "../../records/copy-repositories.ts";
import type { ProviderRecords } from "../../records/repositories.ts";
import type { CopyReport } from "../../storage/copy-repository.ts";
import { countedRecords } from "./report.ts";

/** Where the progress is shown: standard error, so that standard output has the report alone. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** The time in milliseconds, from any beginning. */
export type Clock = () => number;

/** Milliseconds between two updates, on a terminal and as lines. */
const barInterval = 100;
const lineInterval = 10_000;
const barWidth = 22;

/**
 * Shows how far the copying is: a bar on a terminal, and lines elsewhere. The bar is that of the kinds of record, for no
 * store can say how many records it has without reading them.
 */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #clock: Clock;
  readonly #start: number;
  readonly #counts = new Map<keyof ProviderRecords, number>();
  #last: number;
  #current: keyof ProviderRecords | undefined;

  constructor(output: ProgressOutput, clock: Clock = () => performance.now()) {
    this.#output = output;
    this.#clock = clock;
    this.#start = clock();
    this.#last = this.#start;
  }

  /** Takes in what has been copied of a kind. */
  update(name: keyof ProviderRecords, report: CopyReport): void {
    if (name !== this.#current) this.#endKind();
    this.#current = name;
    this.#counts.set(name, countedRecords(report));
    const now = this.#clock();
    if (now - this.#last < (this.#output.isTTY === true ? barInterval : lineInterval)) return;
    this.#last = now;
    this.#output.write(this.#output.isTTY === true ? `\r\x1b[K${this.#bar(now)}` : `${this.#line(name, " so far")}\n`);
  }

  /** Takes the bar away, or writes the last line. */
  end(): void {
    if (this.#output.isTTY === true) this.#output.write("\r\x1b[K");
    else this.#endKind();
    this.#current = undefined;
  }

  #endKind(): void {
    if (this.#current === undefined || this.#output.isTTY === true) return;
    this.#output.write(`${this.#line(this.#current, "")}\n`);
  }

  #line(name: keyof ProviderRecords, addition: string): string {
    const records = this.#counts.get(name) ?? 0;
    return `${name}: ${records} ${records === 1 ? "record" : "records"}${addition}`;
  }

  #bar(now: number): string {
    const before = this.#current === undefined ? copyOrder.length : copyOrder.indexOf(this.#current);
    const full = Math.round((before / copyOrder.length) * barWidth);
    const bar = "█".repeat(full) + "░".repeat(barWidth - full);
    const total = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    const perSecond = Math.round(total / Math.max((now - this.#start) / 1_000, 0.001));
    const kinds = `${before}/${copyOrder.length}`;
    return `${bar} ${kinds} ${this.#current ?? ""} ${total} records, ${perSecond}/s`.slice(0, 79);
  }
}
