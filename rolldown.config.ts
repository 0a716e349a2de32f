import { readFileSync } from "node:fs";
import { defineConfig } from "rolldown";

/** The source of each entry of the package, and the command. */
const { exports: entries }: { exports: Record<string, Record<string, string> | string> } = JSON.parse(
  readFileSync("package.json", "utf8"),
);
const sources = Object.values(entries).flatMap((entry) => {
  if (typeof entry === "string") return [];
  const required = entry.require?.replace(/^\.\/dist\/(.*)\.js$/, "./src/$1.ts");
  return [entry["pangea-authn-fastmcp-source"], required].filter((source) => source !== undefined);
});
const input = Object.fromEntries(
  [...sources, "./src/cli/main.ts"].map((source) => [source.replace(/^\.\/src\/(.*)\.ts$/, "$1"), source]),
);

/** What importing the main entry loads: the modules that it reaches without a dynamic import. They are one file. */
const ofMainEntry = new Set<string>();

/**
 * What is published: few files, since finding and reading hundreds takes longer than running them. The compiler writes the
 * types beside them.
 */
export default defineConfig({
  input,
  // Whatever is a package stays one, but for the few lines that stand in for newer syntax.
  external: (id) => /^[^./]/.test(id) && !id.startsWith("@oxc-project/runtime/"),
  platform: "node",
  // What Node.js 20 cannot read, such as `await using`, is written in other words.
  transform: { target: "node20.19" },
  plugins: [
    {
      name: "modules-of-the-main-entry",
      buildEnd() {
        const reach = (id: string): void => {
          if (ofMainEntry.has(id)) return;
          ofMainEntry.add(id);
          for (const imported of this.getModuleInfo(id)?.importedIds ?? []) reach(imported);
        };
        for (const id of this.getModuleIds()) if (/[\\/]src[\\/]index\.ts$/.test(id)) reach(id);
      },
    },
  ],
  output: {
    dir: "dist",
    format: "esm",
    sourcemap: true,
    keepNames: true,
    // The sources are published too, and the maps lead there.
    comments: false,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
    codeSplitting: {
      groups: [{ name: "main", test: (id) => ofMainEntry.has(id) && !/[\\/]src[\\/]index\.ts$/.test(id) }],
    },
  },
});
