// Runs after an install. The package `node`, which tests and scripts run on, brings 67 MB of headers for the build of native
// add-ons against it. Nothing here is built against it.
import { readdirSync, rmSync } from "node:fs";

const packages = new URL("../node_modules/node/node_modules/", import.meta.url);
let names = [];
try {
  names = readdirSync(packages);
} catch {
  // An install without development dependencies has no such package.
}
for (const name of names.filter((one) => one.startsWith("node-"))) {
  rmSync(new URL(`${name}/include/`, packages), { recursive: true, force: true });
}
