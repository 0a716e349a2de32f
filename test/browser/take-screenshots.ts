/**
 * Takes the pictures of every page, at phone and desktop width, light and dark:
 * `npx node test/browser/take-screenshots.ts [folder] [page …]`. Look at them after a change to the pages. Those that no
 * document shows go to the folder `more`, which the package leaves out.
 */
import { glob, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openPage } from "./authorization-scene.ts";
import { openShownPages, shownPageNames } from "./shown-pages.ts";

const [folder = "docs/pages", ...wanted] = process.argv.slice(2);
const viewports = { phone: { width: 390, height: 760 }, desktop: { width: 900, height: 680 } };

let documents = "";
for await (const path of glob("docs/*.md")) documents += await readFile(path, "utf8");
await mkdir(join(folder, "more"), { recursive: true });
await using shown = await openShownPages();
for (const [size, viewport] of Object.entries(viewports)) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const name of shownPageNames.filter((each) => wanted.length === 0 || wanted.includes(each))) {
      const page = await openPage(shown.scene, { viewport, colorScheme });
      await shown.show[name](page);
      const file = `${name}-${size}-${colorScheme}.png`;
      const path = documents.includes(`pages/${file}`) ? join(folder, file) : join(folder, "more", file);
      await page.screenshot({ path, fullPage: true });
      await page.context().close();
    }
  }
}
