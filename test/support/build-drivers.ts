import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../.ci/build-better-sqlite3", import.meta.url));

/**
 * Builds better-sqlite3 for the Node.js that runs the tests, where that was not done before: its own install script would
 * fetch one for the Node.js that runs npm.
 */
export default function setup(): void {
  try {
    execFileSync(script, ["quick"], { stdio: "pipe" });
  } catch (cause) {
    throw new Error("better-sqlite3 cannot be built for the tests: run `apt-get install -y g++ make python3`.", {
      cause,
    });
  }
}
