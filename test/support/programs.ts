import { fileURLToPath } from "node:url";
import { beforeAll } from "vitest";
import { installOnce } from "../../.ci/install-once.ts";

/** The path of a program of `test/programs`. */
export function programPath(name: string): string {
  return fileURLToPath(new URL(`../programs/node_modules/.bin/${name}`, import.meta.url));
}

/** Installs the programs of `test/programs`, where no test has done so before. */
export function usePrograms(): void {
  beforeAll(() => installOnce("test/programs"), 300_000);
}
