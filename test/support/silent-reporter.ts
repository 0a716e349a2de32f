import { OperatorLog } from "../../src/provider/reporting/logger.ts";
import { Reporter } from "../../src/provider/reporting/reporter.ts";

/** A reporter that tells the events and writes no log. */
export function silentReporter(): Reporter {
  return new Reporter(new OperatorLog(false, Date.now));
}
