/**
 * Takes the pictures of every page that the documentation shows, at phone and desktop width, light and dark:
 * `npx node test/browser/take-screenshots.ts [folder] [page …]`. Look at them after a change to the pages.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openPage } from "./authorization-scene.ts";
import { openShownPages, shownPageNames } from "./shown-pages.ts";

const [folder = "docs/pages", ...wanted] = process.argv.slice(2);
const viewports = { phone: { width: 390, height: 760 }, desktop: { width: 900, height: 680 } };

await mkdir(folder, { recursive: true });
await using shown = await openShownPages();
for (const [size, viewport] of Object.entries(viewports)) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const name of shownPageNames.filter((each) => wanted.length === 0 || wanted.includes(each))) {
      const page = await openPage(shown.scene, { viewport, colorScheme });
      await shown.show[name](page);
      await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      await page.context().close();
    }
  }
}
