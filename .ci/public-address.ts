/**
 * Keeps a package from being published that does not say where it comes from: npm makes the links of the README good by
 * `repository`, and whoever finds a fault looks for `bugs`.
 *
 *     node .ci/public-address.ts          says what is missing; npm runs this before it publishes
 *     node .ci/public-address.ts <URL>    sets repository, homepage and bugs, as from https://github.com/owner/name
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** What of a `package.json` says where the package comes from. */
export interface PublicAddress {
  readonly repository?: unknown;
  readonly homepage?: unknown;
  readonly bugs?: unknown;
}

/**
 * What `package.json` has to say of a repository with this address.
 *
 * @throws {Error} when it is no https URL of a repository.
 */
export function addressOf(url: string) {
  const place = url.replace(/\/$/, "").replace(/\.git$/, "");
  if (!/^https:\/\/[^/\s?#@]+(?:\/[^/\s?#]+){2,}$/.test(place)) {
    throw new Error(`${url} is no address of a repository, such as https://github.com/owner/name.`);
  }
  return {
    repository: { type: "git", url: `git+${place}.git` },
    homepage: `${place}#readme`,
    bugs: { url: `${place}/issues` },
  } as const;
}

/** What is wrong with the address in a `package.json`, a line each. */
export function problemsOf({ repository, homepage, bugs }: PublicAddress): string[] {
  const missing = Object.entries({ repository, homepage, bugs }).flatMap(([name, value]) =>
    value === undefined || value === "" ? [`package.json has no ${name}.`] : [],
  );
  if (missing.length > 0) return missing;
  const url = /^git\+(.+)$/.exec(String(Object(repository).url))?.[1];
  if (url === undefined) return ["repository in package.json must have a url that begins with git+https://."];
  const expected = addressOf(url);
  const isOne = homepage === expected.homepage && Object(bugs).url === expected.bugs.url;
  return isOne ? [] : ["repository, homepage and bugs in package.json are of different places."];
}

if (import.meta.main) {
  const [url] = process.argv.slice(2);
  if (url === undefined) {
    const problems = problemsOf(JSON.parse(readFileSync(resolve(root, "package.json"), "utf8")));
    for (const problem of problems) console.error(problem);
    if (problems.length > 0) {
      console.error(
        "Set all three from the address of the repository: npm run address -- https://github.com/owner/name",
      );
      process.exitCode = 1;
    }
  } else {
    const { repository, homepage, bugs } = addressOf(url);
    const settings = {
      "repository.type": repository.type,
      "repository.url": repository.url,
      homepage,
      "bugs.url": bugs.url,
    };
    const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    execFileSync("npm", ["pkg", "set", ...words], { cwd: root, shell: process.platform === "win32" });
  }
}
