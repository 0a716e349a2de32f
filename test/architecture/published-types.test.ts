import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { compiler } from "../support/compiler.ts";

const root = resolve(import.meta.dirname, "../..");
const packageSchema = z.object({
  exports: z.record(z.string(), z.union([z.string(), z.object({ types: z.string() })])),
});

/** What the compiler says, line by line. */
function compile(...settings: string[]): string[] {
  try {
    execFileSync(process.execPath, [compiler, ...settings], { cwd: root, stdio: "pipe", encoding: "utf8" });
    return [];
  } catch (failure) {
    return z.object({ stdout: z.string() }).parse(failure).stdout.split("\n");
  }
}

it("the published types name nothing that is not published: they compile without skipLibCheck", () => {
  // Below node_modules, where the types of other packages are found.
  const directory = mkdtempSync(join(root, "node_modules/.published-types-"));
  try {
    expect(compile("-p", "tsconfig.build.json", "--emitDeclarationOnly", "--outDir", directory)).toEqual([]);
    const { exports } = packageSchema.parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
    const types = Object.values(exports).flatMap((entry) => (typeof entry === "string" ? [] : [entry.types]));
    expect(types.length).toBeGreaterThan(10);
    const files = types.map((file) => join(directory, file.replace("./dist/", "")));
    const options = {
      module: "nodenext",
      target: "es2023",
      lib: ["es2023", "esnext.disposable", "dom", "dom.iterable"],
    };
    const compilerOptions = { ...options, strict: true, noEmit: true, skipLibCheck: false, types: ["node"] };
    writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const own = compile("-p", directory).filter((line) => line.includes(".published-types-"));
    expect(own).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 240_000);
