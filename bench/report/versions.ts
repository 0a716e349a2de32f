import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What of the project's own packages the benchmarks compare with, or stand on. */
const ofProject = [
  "@modelcontextprotocol/express",
  "fastmcp",
  "ioredis",
  "lru-cache",
  "oidc-provider",
  "pg",
  "zod",
] as const;

/** The versions of what is compared, by the lock files. */
export function comparedVersions(bench: string): string {
  const { devDependencies } = readJson(join(bench, "package.json"));
  const ofBench = versionsOf(join(bench, "package-lock.json"), Object.keys(devDependencies ?? {}));
  return [...versionsOf(join(bench, "..", "package-lock.json"), ofProject), ...ofBench].sort().join(", ");
}

function versionsOf(lock: string, names: readonly string[]): string[] {
  const { packages } = readJson(lock);
  return names.map((name) => `${name} ${packages?.[`node_modules/${name}`]?.version ?? "of an unknown version"}`);
}

function readJson(file: string): {
  readonly devDependencies?: Record<string, string>;
  readonly packages?: Record<string, { readonly version?: string }>;
} {
  return JSON.parse(readFileSync(file, "utf8"));
}
